// Makes the pictures of docs/images/ that show messages, and the page behind their one link: from the very code that writes them, in a real browser.
import { fileURLToPath } from "node:url";
import { launchBrowser } from "../test/support/launch-browser.ts";
import { answersPage } from "./pictures/answers.ts";
import { PAYMENT, type Picture, pictures } from "./pictures/messages.ts";

/** Readers of the docs shouldn't wait for a picture. */
const MOST_BYTES = 100_000;

const page: Picture = { name: "answers-page", width: 390, colorScheme: "light", html: answersPage(PAYMENT) };

const browser = await launchBrowser();
try {
  for (const { name, width, colorScheme, html } of [...(await pictures()), page]) {
    const view = await browser.newPage({ colorScheme, viewport: { width, height: 100 } });
    await view.setContent(html);
    const { byteLength } = await view.screenshot({
      path: fileURLToPath(new URL(`../docs/images/${name}.png`, import.meta.url)),
      fullPage: true,
    });
    console.log(`docs/images/${name}.png: ${byteLength} bytes`);
    if (byteLength > MOST_BYTES) throw new Error(`more than ${MOST_BYTES} bytes`);
    await view.close();
  }
} finally {
  await browser.close();
}
