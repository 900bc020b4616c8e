// The worker of all pages: keeps the page without network and what it needs, any other script or style of this version when it
// was used, and nothing of anybody's records. A form that is sent while the network is gone is kept for the page that sends it
// later.
/* global ASSETS, FIRST, VERSION */
import { keep, known } from "../waiting.js";

const CACHE = `patron-${VERSION}`;
const OFFLINE = "/offline";

self.addEventListener("install", (event) => {
  const fill = async () => {
    const cache = await caches.open(CACHE);
    await cache.addAll([...FIRST, OFFLINE]); // scripts and styles were loaded by the page, and are not fetched again
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

/** A script or style of this version: as it was kept, or fetched and kept. Its name changes with its content. */
async function asset(request) {
  const cache = await caches.open(CACHE);
  const found = await cache.match(request);
  if (found) return found;
  const answer = await fetch(request);
  if (answer.ok) await cache.put(request, answer.clone());
  return answer;
}

/** Keeps a form that could not be sent, if it has the token that lets it be sent once. Not one that stood on the page of
 * another site: it would be sent later with the token that only ours have. */
async function kept(request) {
  if (!request.referrer.startsWith(`${self.location.origin}/`)) return offline();
  const pairs = [...(await request.formData())].filter(([name, value]) => name !== "_csrf" && typeof value === "string");
  const key = pairs.find(([name]) => name === "_once")?.[1];
  const path = new URL(request.url).pathname;
  const account = (await known())?.account;
  if (!key || !account || !path.startsWith("/w/")) return offline();
  const form = { key, account, workspace: path.split("/")[2], action: request.url, title: path.split("/").slice(3).join(" / "), pairs };
  const done = await keep(form).then(() => true, () => false);
  return done ? Response.redirect(`${OFFLINE}?kept`, 303) : offline();
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== self.location.origin) return;
  if (request.method === "GET" && ASSETS.includes(url.pathname)) {
    event.respondWith(asset(request));
  } else if (request.mode === "navigate" && request.method === "GET") {
    event.respondWith(fetch(request).catch(offline));
  } else if (request.mode === "navigate" && request.method === "POST" && url.pathname.startsWith("/w/")) {
    const copy = request.clone();
    event.respondWith(fetch(request).catch(() => kept(copy)));
  }
});
