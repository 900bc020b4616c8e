// The worker of all pages: keeps the scripts and styles of this version and the page without network, and nothing of anybody's
// records. A form that is sent while the network is gone is kept for the page that sends it later.
/* global ASSETS, VERSION */
import { keep, known } from "../waiting.js";

const CACHE = `patron-${VERSION}`;
const OFFLINE = "/offline";

self.addEventListener("install", (event) => {
  const fill = async () => {
    const cache = await caches.open(CACHE);
    await cache.addAll([...ASSETS, OFFLINE]);
    await self.skipWaiting();
  };
  event.waitUntil(fill());
});

self.addEventListener("activate", (event) => {
  const clean = async () => {
    for (const name of await caches.keys()) if (name.startsWith("patron-") && name !== CACHE) await caches.delete(name);
    await self.clients.claim();
  };
  event.waitUntil(clean());
});

const offline = async () => (await caches.match(OFFLINE, { cacheName: CACHE })) ?? Response.error();

/** Keeps a form that could not be sent, if it has the token that lets it be sent once. Not one that stood on the page of
 * another site: it would be sent later with the token that only ours have. */
async function kept(request) {
  if (!request.referrer.startsWith(`${self.location.origin}/`)) return offline();
  const pairs = [...(await request.formData())].filter(([name, value]) => name !== "_csrf" && typeof value === "string");
  const key = pairs.find(([name]) => name === "_once")?.[1];
  const path = new URL(request.url).pathname;
  const account = (await known())?.account;
  if (!key || !account || !path.startsWith("/w/")) return offline();
  await keep({ key, account, workspace: path.split("/")[2], action: request.url, title: path.split("/").slice(3).join(" / "), pairs });
  return Response.redirect(`${OFFLINE}?kept`, 303);
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== self.location.origin) return;
  if (request.method === "GET" && ASSETS.includes(url.pathname)) {
    event.respondWith(caches.match(request, { cacheName: CACHE }).then((found) => found ?? fetch(request)));
  } else if (request.mode === "navigate" && request.method === "GET") {
    event.respondWith(fetch(request).catch(offline));
  } else if (request.mode === "navigate" && request.method === "POST" && url.pathname.startsWith("/w/")) {
    const copy = request.clone();
    event.respondWith(fetch(request).catch(() => kept(copy)));
  }
});
