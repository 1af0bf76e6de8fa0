// Visits of the page: node visit.mjs PACKAGES < {"address", "arguments", "visits"}. A visit is
// {"steps", "replace", "without"}: a step is [what, ...], see below; `replace` are files that are
// served instead, by name, `without` a script that runs before those of the page. Prints a list:
// faults, requests to other addresses, and what there is to see after each step of each visit.

import { readFileSync } from "node:fs";
import { launch } from "./browser.mjs";

const { address, arguments: more = [], visits } = JSON.parse(readFileSync(0, "utf8"));
const browser = await launch(...more);

const STEPS = {
  file: (page, path) => page.locator("#file").setInputFiles(path),
  click: (page, selector) => page.locator(selector).click(),
  press: (page, selector, key) => page.locator(selector).press(key),
  choose: (page, id, value) =>
    page.locator(`#${id}`).evaluate((field, text) => {
      field.value = text;
      field.dispatchEvent(new Event("change"));
    }, value),
};

async function visit({ steps = [], replace = {}, without }) {
  const page = await browser.newPage();
  page.setDefaultTimeout(120000); // of a machine that is busy
  const seen = { errors: [], elsewhere: [], after: [] };
  page.on("pageerror", (error) => seen.errors.push(error.message));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(address) && !/^(blob|data):/.test(url)) seen.elsewhere.push(url);
  });
  if (without) await page.addInitScript(without);
  for (const [name, path] of Object.entries(replace)) {
    await page.route(`**/${name}`, (route) => route.fulfill({ path }));
  }
  /** Until that many new poses have been shown, the last of what was opened last, or a message. */
  const settled = (count) =>
    page.waitForFunction((least) => {
      const { state } = window.page ?? {};
      const shown = Number(document.documentElement.dataset.frames ?? 0) >= least;
      const ours = state?.latest && state.latest.source === state.source;
      return (shown && ours) || !document.getElementById("message").hidden;
    }, count);
  const frames = () => page.evaluate(() => Number(document.documentElement.dataset.frames ?? 0));
  const look = () =>
    page.evaluate(() => {
      const [message, overlay] = ["message", "overlay"].map((id) => document.getElementById(id));
      const video = window.page.state.source?.video;
      return {
        message: message.hidden ? "" : message.textContent,
        status: document.getElementById("status").textContent,
        playing: video ? !video.paused : null,
        player: document.getElementById("player").checkVisibility(),
        pose: window.page.state.latest && window.page.poseFile(),
        overlay: [overlay.width, overlay.height],
      };
    });
  await page.goto(address);
  await settled(1);
  seen.after.push(await look());
  for (const [what, ...how] of steps) {
    const before = await frames();
    if (what !== "frames") {
      await page.evaluate(() => (document.getElementById("message").hidden = true));
      await STEPS[what](page, ...how);
    }
    if (what !== "press") await settled(before + (what === "frames" ? how[0] : 1));
    seen.after.push(await look());
  }
  await page.close();
  return seen;
}

const shown = [];
for (const each of visits) shown.push(await visit(each));
await browser.close();
console.log(JSON.stringify(shown));
