// Subscribe messages (订阅消息): the sheet that asks for them, and what the person has said. The sandbox's server counts what was allowed.

const MOST = 3;
/** WeChat asks after a tap, or after a payment, and at no other time. */
const AFTER_A_TAP_MS = 5000;

export function subscribing({ wechat, settings, sheets, calls, titles }) {
  let touchedMs = -Infinity;
  const touched = () => (touchedMs = performance.now());
  for (const kind of ["pointerdown", "mousedown", "click", "keydown"]) window.addEventListener(kind, touched, true);

  /** What the person has answered: {TEMPLATE: {remaining, always}}. Without a sandbox, nothing yet. */
  const answers = async () => (settings.wechat ? (await wechat(`/sandbox/subscriptions?openid=${encodeURIComponent(settings.openid)}`)).answers : {});

  async function request({ tmplIds }) {
    if (!Array.isArray(tmplIds) || !tmplIds.length || tmplIds.length > MOST) throw { errCode: 20003, errMsg: "TmplIds count must be 1 to 3" };
    if (performance.now() - touchedMs > AFTER_A_TAP_MS) throw { errCode: 20004, errMsg: "can only be invoked by user TAP gesture." };
    const known = settings.wechat ? (await wechat("/sandbox/templates")).templates : {};
    if (settings.wechat && tmplIds.some((id) => !known[id])) throw { errCode: 20001, errMsg: "No template data return, verify the template id exist" };
    const said = await answers();
    const given = Object.fromEntries(tmplIds.filter((id) => said[id]?.always).map((id) => [id, said[id].always]));
    const open = tmplIds.filter((id) => !given[id]);
    let always = false;
    if (open.length) {
      const chosen = settings.asks
        ? await sheets.subscribe(titles.app(), open.map((id) => ({ id, title: known[id]?.title ?? id })))
        : { allowed: open, always: false }; // prettier-ignore
      always = chosen.always;
      for (const id of open) given[id] = chosen.allowed.includes(id) ? "accept" : "reject";
    }
    if (settings.wechat) {
      const tell = (ids, keep) => ids.length && wechat("/sandbox/subscriptions", { openid: settings.openid, answers: Object.fromEntries(ids.map((id) => [id, given[id]])), always: keep });
      await tell(open, always);
      await tell(tmplIds.filter((id) => !open.includes(id)), false); // prettier-ignore
    }
    return given;
  }

  return {
    touched,
    /** What is not asked again, as wx.getSetting tells it. */
    async kept() {
      const said = await answers();
      return Object.fromEntries(Object.entries(said).filter(([, { always }]) => always).map(([id, { always }]) => [id, always])); // prettier-ignore
    },
    wx: { requestSubscribeMessage: calls.api("requestSubscribeMessage", request) },
  };
}
