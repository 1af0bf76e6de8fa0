// Unpacks the browser of the tests: node unpack.mjs PACKAGES, into the folder for temporary files.

import { executablePath } from "./browser.mjs";

await executablePath();
