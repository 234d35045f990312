// wx, put together.
import { account as makeAccount } from "./account.mjs";
import { filesApi } from "./files.mjs";
import { interfaceApi } from "./interface.mjs";
import { network as makeNetwork } from "./network.mjs";
import { place } from "./place.mjs";
import { storage } from "./storage.mjs";
import { system } from "./system.mjs";

/** @param phone {calls, life, audit, settings, files, sheets, launch, pages(), bars()} @returns {wx, requests} */
export function makeWx(phone) {
  const network = makeNetwork(phone);
  const account = makeAccount(phone);
  const wx = {
    ...network.wx,
    ...account.wx,
    ...storage(phone),
    ...filesApi(phone),
    ...place({ ...phone, account }),
    ...interfaceApi(phone),
    ...system(phone),
  };
  return { wx, requests: network.log };
}
