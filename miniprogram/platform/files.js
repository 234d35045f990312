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

/** Look at photos, beginning with that one. */
function preview(urls, current) {
  wx.previewImage({ urls, current });
}

module.exports = { choosePhotos, readFile, preview };
