// Seals what is typed to the vault's key, and sends what only the vault can open:
// HPKE (RFC 9180) in base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256,
// AES-256-GCM, by the browser's own primitives. The server's package parcel opens it.
"use strict";
const subtle = globalThis.crypto && crypto.subtle;
const utf8 = text => new TextEncoder().encode(text);
const concat = (...parts) => new Uint8Array(parts.flatMap(part => [...part]));
const number = (value, width) => Uint8Array.from({ length: width }, (_, i) => (value >>> (8 * (width - 1 - i))) & 255);
const base64 = bytes => btoa(String.fromCharCode(...bytes));
const unbase64 = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));
const none = new Uint8Array(0);
const KEM = concat(utf8("KEM"), number(0x20, 2));
const SUITE = concat(utf8("HPKE"), number(0x20, 2), number(1, 2), number(2, 2));

async function hmac(key, data) {
  const imported = await subtle.importKey("raw", key.length ? key : new Uint8Array(32), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await subtle.sign("HMAC", imported, data));
}

const extract = (suite, salt, label, ikm) => hmac(salt, concat(utf8("HPKE-v1"), suite, utf8(label), ikm));

// One block is enough: nothing here is longer than a hash.
async function expand(suite, prk, label, info, length) {
  const out = await hmac(prk, concat(number(length, 2), utf8("HPKE-v1"), suite, utf8(label), info, [1]));
  return out.slice(0, length);
}

function infoOf(...parts) {
  return concat(utf8("hotcell value v1"), ...parts.flatMap(part => [number(utf8(part).length, 4), utf8(part)]));
}

async function seal(key, info, plaintext) {
  const pair = await subtle.generateKey({ name: "X25519" }, true, ["deriveBits"]);
  const to = await subtle.importKey("raw", key, { name: "X25519" }, true, []);
  const dh = new Uint8Array(await subtle.deriveBits({ name: "X25519", public: to }, pair.privateKey, 256));
  const enc = new Uint8Array(await subtle.exportKey("raw", pair.publicKey));
  const shared = await expand(KEM, await extract(KEM, none, "eae_prk", dh), "shared_secret", concat(enc, key), 32);
  const context = concat([0], await extract(SUITE, none, "psk_id_hash", none), await extract(SUITE, none, "info_hash", info));
  const secret = await extract(SUITE, shared, "secret", none);
  const aead = await subtle.importKey("raw", await expand(SUITE, secret, "key", context, 32), "AES-GCM", false, ["encrypt"]);
  const nonce = await expand(SUITE, secret, "base_nonce", context, 12);
  const sealed = new Uint8Array(await subtle.encrypt({ name: "AES-GCM", iv: nonce }, aead, plaintext));
  return concat([1], enc, sealed);
}

const form = document.getElementById("answer");
const said = document.getElementById("said");
const tell = (text, how) => { said.textContent = text; said.className = how; };

form.addEventListener("submit", async event => {
  event.preventDefault();
  const button = form.querySelector("button");
  const { workspace, key, item } = form.dataset;
  if (!form.password.value && !form.otp.value) {
    return tell("Type a password, a one-time code secret, or both.", "bad");
  }
  button.disabled = true;
  try {
    const sealed = [];
    for (const name of ["password", "otp"]) {
      if (form[name].value) {
        const message = await seal(unbase64(key), infoOf(workspace, "login", item, name), utf8(form[name].value));
        sealed.push({ name, sealed: base64(message) });
      }
    }
    const answer = await fetch(location.pathname, {
      method: "POST", headers: { "Content-Type": "application/json" }, redirect: "error",
      body: JSON.stringify({ username: form.username.value, sealed }),
    });
    const { text } = await answer.json();
    tell(text, answer.ok ? "good" : "bad");
    if (answer.ok) {
      form.reset();
      form.querySelectorAll("input, label, button, .hint").forEach(one => one.remove());
    }
    button.disabled = answer.ok;
  } catch {
    tell("It was not sent: the server does not answer. Try again.", "bad");
    button.disabled = false;
  }
});

if (!subtle) {
  tell("This browser gives pages no means to seal what you type, or the page did not come over TLS.", "bad");
  form.querySelector("button").disabled = true;
}
