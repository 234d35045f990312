// What an owner applies with at WeChat Pay, as typed.
"use strict";

const DAY = /^\d{4}-\d\d-\d\d$/;
const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];

/** A Chinese identity number with its check digit (GB 11643-1999). */
function isIdNumber(text) {
  if (!/^\d{17}[0-9X]$/.test(text)) return false;
  const sum = WEIGHTS.reduce((total, weight, index) => total + weight * Number(text[index]), 0);
  return "10X98765432"[sum % 11] === text[17];
}

/** Without the spaces that people put between groups of digits. */
function digits(text) {
  return text.replace(/[\s-]/g, "").toUpperCase();
}

/** Sole traders and enterprises have a licence. */
function hasLicence({ subject }) {
  return subject >= 2;
}

/**
 * What is missing or wrong: name of the field -> a word for what.
 * @param {object} form
 * @param {{front: {media: string}, back: {media: string}, licence: {media: string}}} pictures
 */
function check(form, pictures) {
  const faults = {};
  const need = (name, right, what) => {
    if (!right) faults[name] = what;
  };
  need("legal_name", form.legal_name.trim().length >= 2, "name");
  need("id_number", isIdNumber(digits(form.id_number)), "id");
  need("id_valid_from", DAY.test(form.id_valid_from), "day");
  need("id_valid_until", form.forever || (DAY.test(form.id_valid_until) && form.id_valid_until > form.id_valid_from), "until");
  need("front", Boolean(pictures.front.media), "picture");
  need("back", Boolean(pictures.back.media), "picture");
  need("mobile", /^1\d{10}$/.test(digits(form.mobile)), "mobile");
  need("bank", form.bank.trim().length >= 2, "bank");
  need("area", /^\d{6}$/.test(form.area_code), "area");
  need("bank_account", /^\d{8,30}$/.test(digits(form.bank_account)), "account");
  need("shop_name", form.shop_name.trim().length >= 2, "shop");
  if (hasLicence(form)) {
    need("licence_number", digits(form.licence_number).length >= 8, "licence");
    need("licence_name", form.licence_name.trim().length >= 2, "name");
    need("licence", Boolean(pictures.licence.media), "picture");
  }
  return faults;
}

/** @returns {object} the body of payments.onboard */
function application(form, pictures, subjects) {
  return {
    subject_type: subjects[form.subject].id, legal_name: form.legal_name.trim(), id_number: digits(form.id_number), id_valid_from: form.id_valid_from,
    id_valid_until: form.forever ? "长期" : form.id_valid_until, id_front_media: pictures.front.media, id_back_media: pictures.back.media,
    mobile: digits(form.mobile), bank: form.bank.trim(), bank_area_code: form.area_code, bank_account: digits(form.bank_account),
    shop_name: form.shop_name.trim(),
    ...(hasLicence(form) ? { licence_number: digits(form.licence_number), licence_name: form.licence_name.trim(), licence_media: pictures.licence.media } : {}),
  }; // prettier-ignore
}

module.exports = { check, application, isIdNumber };
