// The browser of the tests, which npm carries; visit.mjs opens pages in it.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [, , packages] = process.argv;
// The package carries the system libraries that small installations lack; this makes it use them.
process.env.AWS_LAMBDA_JS_RUNTIME = "nodejs22.x";
const from = (name) => import(pathToFileURL(`${packages}/${name}`));
const { default: chromium } = await from("@sparticuz/chromium/build/index.js");
const { chromium: driver } = createRequire(`${packages}/`)("playwright-core");

/** Where the browser is, unpacked if it was not. */
export const executablePath = () => chromium.executablePath();

/** A browser without sandbox, which root may not have, that draws in software, WebGL too. */
export async function launch(...more) {
  const args = ["--no-sandbox", "--no-zygote", "--disable-dev-shm-usage", "--use-gl=angle"];
  args.push("--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-gpu-compositing");
  const path = await executablePath();
  return driver.launch({ executablePath: path, args: [...args, ...more], headless: true });
}
