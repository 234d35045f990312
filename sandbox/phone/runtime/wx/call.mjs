// WeChat's calling convention: callbacks, or a promise when none is given; every call can be told to fail.

const messageOf = (error) => error?.errMsg ?? error?.message ?? String(error);

export class Calls {
  constructor() {
    this._scripts = {};
  }

  /**
   * What the next calls of `name` do instead: a string is the reason of a failure ("cancel"), a function answers: it is given the
   * options, and what would have answered.
   * @param times how often; for ever when left out
   */
  script(name, instead, times = Infinity) {
    (this._scripts[name] ??= []).push({ instead, times });
  }

  unscript(name) {
    if (name) delete this._scripts[name];
    else this._scripts = {};
  }

  _scripted(name) {
    const [first] = this._scripts[name] ?? [];
    if (!first) return null;
    first.times -= 1;
    if (first.times <= 0) this._scripts[name].shift();
    const { instead } = first;
    return typeof instead === "function" ? instead : () => { throw new Error(instead); }; // prettier-ignore
  }

  /** wx.name as `answer` makes it; the object that it is called with may have success, fail and complete. */
  api(name, answer) {
    return (options = {}) => {
      const run = async () => (this._scripted(name) ?? answer)(options, answer);
      const done = run().then(
        (result) => ({ errMsg: `${name}:ok`, ...result }),
        (error) => {
          const more = error && typeof error === "object" && !(error instanceof Error) ? error : {};
          throw { ...more, errMsg: `${name}:fail ${messageOf(error)}` };
        },
      );
      return settle(done, options);
    };
  }

  /** The same, but done before it returns, as navigation has to be. */
  now(name, answer) {
    return (options = {}) => {
      let done;
      try {
        done = Promise.resolve({ errMsg: `${name}:ok`, ...(this._scripted(name) ?? answer)(options, answer) });
      } catch (error) {
        done = Promise.reject({ errMsg: `${name}:fail ${messageOf(error)}` });
      }
      return settle(done, options);
    };
  }
}

function settle(done, { success, fail, complete }) {
  if (!success && !fail && !complete) return done;
  done.then(
    (result) => {
      success?.(result);
      complete?.(result);
    },
    (error) => {
      fail?.(error);
      complete?.(error);
    },
  );
  return undefined;
}
