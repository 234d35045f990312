// The phone's files: pictures that are chosen, what is downloaded or saved. They have paths, as on a phone, and live in memory.

const TEMP = "http://tmp/";
const SCENES = [["#f6d365", "#fda085"], ["#84fab0", "#8fd3f4"], ["#a18cd1", "#fbc2eb"], ["#fccb90", "#d57eeb"], ["#5ee7df", "#b490ca"], ["#c3cfe2", "#8aa0c8"]]; // prettier-ignore

export class Files {
  constructor() {
    this._kept = new Map();
    this._next = 1;
    /** How many pictures are chosen at once from the album. */
    this.album = 2;
  }

  /** Keeps a blob; its path. */
  keep(blob, path) {
    const ending = { "image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp" }[blob.type] ?? "";
    const at = path ?? `${TEMP}${Date.now().toString(36)}${this._next++}${ending}`;
    this._kept.set(at, { blob, url: URL.createObjectURL?.(blob) ?? at });
    return at;
  }

  has(path) {
    return this._kept.has(path);
  }

  blob(path) {
    const file = this._kept.get(path);
    if (!file) throw new Error(`no such file or directory, open "${path}"`);
    return file.blob;
  }

  remove(path) {
    this.blob(path);
    this._kept.delete(path);
  }

  /** What a browser can show; paths that are not ours stay as they are. */
  urlOf(path) {
    return this._kept.get(path)?.url ?? path;
  }

  /** A picture as a camera would give, drawn; the same number is the same picture. */
  async picture(number, { width = 1200, height = 900 } = {}) {
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    paint(canvas.getContext("2d"), number, width, height);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.82));
    return this.keep(blob);
  }
}

function paint(context, number, width, height) {
  const [from, to] = SCENES[number % SCENES.length];
  const sky = context.createLinearGradient(0, 0, width, height);
  sky.addColorStop(0, from);
  sky.addColorStop(1, to);
  context.fillStyle = sky;
  context.fillRect(0, 0, width, height);
  context.fillStyle = "rgba(255,255,255,.55)";
  context.beginPath();
  context.arc(width * (0.15 + 0.7 * ((number * 0.618) % 1)), height * (0.18 + 0.24 * ((number * 0.382) % 1)), height * 0.13, 0, 7);
  context.fill();
  for (let hill = 0; hill < 3; hill++) {
    context.fillStyle = `rgba(40,50,80,${0.16 + hill * 0.12})`;
    context.beginPath();
    context.moveTo(0, height);
    for (let x = 0; x <= width; x += width / 40) {
      context.lineTo(x, height * (0.62 + hill * 0.11) + Math.sin(x / (width / (5 + hill * 2)) + number * 1.7 + hill * 2) * height * 0.07);
    }
    context.lineTo(width, height);
    context.fill();
  }
}

const firstOf = (name) => [...name].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 9973, 7);

/** wx's part: choosing, showing, reading and writing. */
export function filesApi({ calls, files, sheets, settings }) {
  let chosen = firstOf(settings.openid); // no two people take the same pictures
  const choose = async ({ count = 9 }) => {
    const where = await sheets.choose("拍摄或选择照片", ["拍照", "从相册选择"]);
    if (where < 0) throw new Error("cancel");
    const wanted = where === 0 ? 1 : Math.min(count, files.album);
    const paths = [];
    for (let n = 0; n < wanted; n++) paths.push(await files.picture(chosen++));
    return paths.map((path) => ({ tempFilePath: path, size: files.blob(path).size, fileType: "image", width: 1200, height: 900 }));
  };
  const reading = ({ filePath, encoding }) => async () => {
    const blob = files.blob(filePath);
    if (!encoding) return { data: await blob.arrayBuffer() };
    if (encoding === "base64") return { data: btoa(String.fromCharCode(...new Uint8Array(await blob.arrayBuffer()))) };
    return { data: await blob.text() };
  };
  const manager = {
    readFile: (options) => calls.api("readFile", reading(options))(options),
    getFileInfo: calls.api("getFileInfo", ({ filePath }) => ({ size: files.blob(filePath).size })),
    unlink: calls.api("unlink", ({ filePath }) => files.remove(filePath)),
    access: calls.api("access", ({ path }) => void files.blob(path)),
    saveFile: calls.api("saveFile", ({ tempFilePath, filePath }) => ({
      savedFilePath: files.keep(files.blob(tempFilePath), filePath ?? `wxfile://usr/${tempFilePath.split("/").at(-1)}`),
    })),
    writeFile: calls.api("writeFile", ({ filePath, data }) => void files.keep(new Blob([data]), filePath)),
  };
  return {
    chooseMedia: calls.api("chooseMedia", async (options) => ({ type: "image", tempFiles: await choose(options) })),
    chooseImage: calls.api("chooseImage", async (options) => {
      const tempFiles = (await choose(options)).map(({ tempFilePath, size }) => ({ path: tempFilePath, size }));
      return { tempFilePaths: tempFiles.map(({ path }) => path), tempFiles };
    }),
    previewImage: calls.api("previewImage", ({ current, urls }) => sheets.preview(urls.map((url) => files.urlOf(url)), Math.max(0, urls.indexOf(current)))),
    previewMedia: calls.api("previewMedia", ({ current = 0, sources }) => sheets.preview(sources.map(({ url }) => files.urlOf(url)), current)),
    compressImage: calls.api("compressImage", ({ src }) => ({ tempFilePath: src })),
    getImageInfo: calls.api("getImageInfo", async ({ src }) => {
      const picture = Object.assign(new Image(), { src: files.urlOf(src) });
      await picture.decode();
      return { width: picture.naturalWidth, height: picture.naturalHeight, path: src, orientation: "up", type: "jpeg" };
    }),
    shareFileMessage: calls.api("shareFileMessage", async ({ filePath, fileName }) => {
      const { size } = files.blob(filePath);
      if ((await sheets.choose(`${fileName ?? filePath.split("/").at(-1)} · ${Math.ceil(size / 1024)} KB`, ["文件传输助手", "收藏"])) < 0) throw new Error("cancel");
    }),
    saveImageToPhotosAlbum: calls.api("saveImageToPhotosAlbum", () => ({})),
    getFileSystemManager: () => manager,
    env: { USER_DATA_PATH: "wxfile://usr" },
  };
}
