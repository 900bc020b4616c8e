self.addEventListener("install", () => self.skipWaiting());
console.log(VERSION, ASSETS);
