// A real Chromium, as a person has it, and what every page has to keep to.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

// The packages lie under target/, where the step of the tests installed them.
const require = createRequire(resolve(process.env.PAGE_TOOLS ?? "target/page-tests", "package.json"));
const { chromium } = require("playwright-core");
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const SCREENSHOTS = process.env.PAGE_SCREENSHOTS ?? "target/page-screenshots";
mkdirSync(SCREENSHOTS, { recursive: true });

export const PHONE = { width: 360, height: 740 };
export const DESKTOP = { width: 1280, height: 860 };

export function launch() {
  const isRoot = process.getuid?.() === 0;
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: isRoot ? ["--no-sandbox"] : [],
  });
}

/** A window in which nothing may go wrong unnoticed: errors, other origins, the policy. */
export async function open(browser, server, { language = "en", scheme = "light", viewport = DESKTOP, ...rest } = {}) {
  const context = await browser.newContext({
    baseURL: server.url,
    locale: language,
    colorScheme: scheme,
    viewport,
    timezoneId: "Asia/Phnom_Penh",
    reducedMotion: "reduce",
    ...rest,
  });
  const { hostname, port } = new URL(server.url);
  const domain = hostname;
  await context.addCookies([{ name: "payout-language", value: language, domain, path: "/" }]);
  const complaints = [];
  const foreign = [];
  context.on("request", (request) => {
    const url = new URL(request.url());
    const isOurs = url.hostname === hostname && url.port === port;
    if (!isOurs && url.protocol !== "data:" && !url.pathname.startsWith("/otp/")) foreign.push(request.url());
  });
  context.on("console", (message) => {
    // What the server refuses on purpose is told in the console, too.
    const isRefusal = /status of 4\d\d/.test(message.text());
    if (["error", "warning"].includes(message.type()) && !isRefusal) complaints.push(message.text());
  });
  context.on("weberror", (error) => complaints.push(String(error.error())));
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  return {
    page,
    context,
    /** Nothing was complained about, and nobody else was asked for anything. */
    async close() {
      await context.close();
      assert.deepEqual(complaints, [], "the console is silent");
      assert.deepEqual(foreign, [], "no request leaves the origin");
    },
    complaints,
  };
}

export async function signIn(page, name = "Chan Bopha", password = "a password for tests") {
  await page.goto("/login");
  await page.locator("#name").fill(name);
  await page.locator("#password").fill(password);
  await page.locator("form button").click();
  await page.waitForURL("/");
}

/** The page as it looks, whole, for people to look at. */
export async function screenshot(page, name) {
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
}

/** No violation of the rules for accessible pages (WCAG 2.2 A and AA, and good practice). */
export async function assertAccessible(page, what) {
  // The policy lets no script of ours in either, so it is put beside the page.
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() =>
    globalThis.axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }));
  const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map((it) => it.html.slice(0, 200)).join("\n  ")}`);
  assert.deepEqual(told, [], what);
}

/** Nothing is cut off and nobody has to scroll sideways. */
export async function assertFits(page, what) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `${what}: ${wide} pixels too wide`);
}

/** Waits until what is on the page is so; live parts change by themselves. */
export async function eventually(what, look, timeout = 60_000) {
  const until = Date.now() + timeout;
  let last;
  for (;;) {
    last = await look();
    if (last) return last;
    if (Date.now() > until) throw new Error(`not within ${timeout} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
