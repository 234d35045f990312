// One HTTP request, as a promise. What the answer means is services/http.js's business.
"use strict";

/**
 * Rejects only when there is no answer at all.
 * @param {{url: string, method?: string, data?: any, header?: object, timeoutMs?: number}} options  `data`: an object is sent as JSON, an
 *   ArrayBuffer as it is
 * @returns {Promise<{status: number, body: any}>}
 */
function request({ url, method = "GET", data, header = {}, timeoutMs = 15000 }) {
  return new Promise((resolve, reject) => {
    wx.request({
      url, method, header, timeout: timeoutMs,
      ...(data === undefined ? {} : { data }),
      success: ({ statusCode, data: body }) => resolve({ status: statusCode, body }),
      fail: ({ errMsg }) => reject(new Error(errMsg)),
    }); // prettier-ignore
  });
}

module.exports = { request };
