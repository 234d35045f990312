// Who the phone's person is, what they allow, and what they pay: the sandbox's server stands in for WeChat.
import { subscribing } from "./subscribe.mjs";

export function account({ calls, life, settings, sheets, titles }) {
  const allowed = {};

  /** Asks the sandbox's server; with a body it is told. */
  async function wechat(path, body) {
    if (!life.online) throw new Error("network is not available");
    const answer = await fetch(`${settings.wechat}${path}`, body && {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    }); // prettier-ignore
    const content = await answer.json();
    if (!answer.ok) throw new Error(content.message ?? content.code ?? `status ${answer.status}`);
    return content;
  }

  const subscriptions = subscribing({ wechat, settings, sheets, calls, titles });

  /** Permissions are asked for once, and remembered. */
  async function permit(scope, question) {
    if (allowed[scope] === undefined) allowed[scope] = settings.asks ? await sheets.confirm(question, "小程序申请使用") : true;
    if (!allowed[scope]) throw new Error("auth deny");
  }

  async function pay({ timeStamp, nonceStr, package: goods, signType, paySign }) {
    for (const [name, value] of Object.entries({ timeStamp, nonceStr, package: goods, signType, paySign })) {
      if (typeof value !== "string" || !value) throw new Error(`parameter error: ${name} should be a string`);
    }
    // nothing of the bill is no reason to show no sheet: WeChat says then what is wrong, when it is paid
    const bill = settings.wechat ? await wechat(`/sandbox/prepay?${goods}`).catch(() => null) : null;
    if (!(await sheets.pay(bill ?? {}))) throw new Error("cancel");
    await wechat("/sandbox/pay", { prepay_id: goods.replace("prepay_id=", ""), timeStamp, nonceStr, package: goods, signType, paySign });
    await sheets.paid();
    subscriptions.touched();
  }

  return {
    permit,
    wx: {
      login: calls.api("login", async () => {
        if (!settings.wechat) return { code: `code-of-${settings.openid}-${Date.now()}` };
        return wechat("/sandbox/login-code", { openid: settings.openid });
      }),
      checkSession: calls.api("checkSession", () => ({})),
      requestPayment: calls.api("requestPayment", pay),
      ...subscriptions.wx,
      getSetting: calls.api("getSetting", async ({ withSubscriptions } = {}) => ({
        authSetting: Object.fromEntries(Object.entries(allowed).map(([scope, yes]) => [`scope.${scope}`, yes])),
        ...(withSubscriptions ? { subscriptionsSetting: { mainSwitch: true, itemSettings: await subscriptions.kept() } } : {}),
      })),
      openSetting: calls.api("openSetting", () => {
        for (const scope of Object.keys(allowed)) allowed[scope] = true;
        return { authSetting: {} };
      }),
      authorize: calls.api("authorize", ({ scope }) => permit(scope.replace("scope.", ""), "允许使用？")),
      getPrivacySetting: calls.api("getPrivacySetting", () => ({ needAuthorization: false, privacyContractName: "《用户隐私保护指引》" })),
      requirePrivacyAuthorize: calls.api("requirePrivacyAuthorize", () => ({})),
      openPrivacyContract: calls.api("openPrivacyContract", () => ({})),
      onNeedPrivacyAuthorization() {},
      getAppAuthorizeSetting: () => ({ albumAuthorized: "authorized", cameraAuthorized: "authorized", locationAuthorized: "authorized", notificationAuthorized: "authorized" }),
      getUserProfile: calls.api("getUserProfile", () => ({ userInfo: { nickName: "微信用户", avatarUrl: "" } })),
      getAccountInfoSync: () => ({ miniProgram: { appId: settings.appId ?? "wx0000000000000000", envVersion: "develop", version: "" } }),
      getExtConfigSync: () => settings.ext ?? {},
      getExtConfig: calls.api("getExtConfig", () => ({ extConfig: settings.ext ?? {} })),
    },
  };
}
