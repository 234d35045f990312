// Photos: chosen, read, shown large.
"use strict";

/**
 * @param {number} most
 * @returns {Promise<Array<{path: string, bytes: number}>>}  none when the user thinks better of it
 */
function choosePhotos(most) {
  return new Promise((resolve) => {
    wx.chooseMedia({
      count: most, mediaType: ["image"], sizeType: ["compressed"],
      success: ({ tempFiles }) => resolve(tempFiles.map(({ tempFilePath, size }) => ({ path: tempFilePath, bytes: size }))),
      fail: () => resolve([]),
    }); // prettier-ignore
  });
}

/**
 * @param {string} path
 * @returns {Promise<ArrayBuffer>}
 */
function readFile(path) {
  return new Promise((resolve, reject) => {
    wx.getFileSystemManager().readFile({
      filePath: path,
      success: ({ data }) => resolve(/** @type {ArrayBuffer} */ (data)),
      fail: ({ errMsg }) => reject(new Error(errMsg)),
    });
  });
}

/**
 * @param {string} name
 * @param {string} text
 * @returns {Promise<string>} its path; rejects when it could not be written
 */
function writeText(name, text) {
  const path = `${wx.env.USER_DATA_PATH}/${name}`;
  return new Promise((resolve, reject) => {
    wx.getFileSystemManager().writeFile({
      filePath: path, data: text, encoding: "utf8",
      success: () => resolve(path),
      fail: ({ errMsg }) => reject(new Error(errMsg)),
    }); // prettier-ignore
  });
}

/**
 * Let the user send a file to somebody, or to their own favourites. WeChat wants a tap for it.
 * @returns {Promise<boolean>} whether it was sent
 */
function sendFile(path, name) {
  return new Promise((resolve) => {
    wx.shareFileMessage({ filePath: path, fileName: name, success: () => resolve(true), fail: () => resolve(false) });
  });
}

/** Look at photos, beginning with that one. */
function preview(urls, current) {
  wx.previewImage({ urls, current });
}

module.exports = { choosePhotos, readFile, writeText, sendFile, preview };
