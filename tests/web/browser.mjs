// The browser of the tests: node browser.mjs PACKAGES — starts it, prints its path.
// Used as a module: what opens pages in it, see visit.mjs.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [, , packages] = process.argv;
// The package carries the system libraries that small installations lack; this makes it use them.
process.env.AWS_LAMBDA_JS_RUNTIME = "nodejs22.x";
const from = (name) => import(pathToFileURL(`${packages}/${name}`));
const { default: chromium } = await from("@sparticuz/chromium/build/index.js");
const { chromium: driver } = createRequire(`${packages}/`)("playwright-core");

/** A browser without sandbox, which root may not have, and with WebGL in software. */
export async function launch(...more) {
  const args = ["--no-sandbox", "--no-zygote", "--use-gl=angle", "--use-angle=swiftshader"];
  args.push("--enable-unsafe-swiftshader", "--disable-gpu-compositing", "--disable-dev-shm-usage");
  return driver.launch({ executablePath: await chromium.executablePath(), args: [...args, ...more], headless: true });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const browser = await launch();
  await browser.close();
  console.log(JSON.stringify({ path: await chromium.executablePath() }));
}
