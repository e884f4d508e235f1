import { hash } from "node:crypto";

/** The one style of all pages. System fonts, nothing from the network; light or dark as the reader's device is. */
export const STYLE = `
:root { color-scheme: light dark; --page: #f3f4f6; --card: #fff; --line: #e2e5ea; --strong: #14171c; --soft: #5c6573;
  --main: #1f5fd0; --on-main: #fff; --good: #12714a; --field: #fff; --bad: #a3281f; }
@media (prefers-color-scheme: dark) {
  :root { --page: #16181d; --card: #21242b; --line: #3a404c; --strong: #f2f4f7; --soft: #a7afbd; --main: #7fb0ff;
    --on-main: #10141b; --good: #6bd6a4; --field: #1a1d23; --bad: #ff9d94; }
}
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: flex; justify-content: center; align-items: flex-start;
  padding: max(24px, 8vh) 16px 32px; background: var(--page); color: var(--strong);
  font: 17px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; -webkit-text-size-adjust: 100%; }
main { width: 100%; max-width: 460px; background: var(--card); border: 1px solid var(--line); border-radius: 16px;
  padding: 28px 24px 26px; overflow-wrap: anywhere; }
.about { margin: 0 0 20px; padding-bottom: 16px; border-bottom: 1px solid var(--line); color: var(--soft); font-size: 15px; }
.about strong { display: block; color: var(--strong); font-size: 17px; font-weight: 600; }
h1 { margin: 0 0 6px; font-size: 24px; line-height: 1.25; font-weight: 650; }
h1.result { margin-bottom: 18px; font-size: 19px; line-height: 1.4; font-weight: 600; }
p { margin: 0 0 14px; }
.hint { color: var(--soft); margin-bottom: 20px; }
.said { color: var(--good); font-weight: 600; }
.wrong { color: var(--bad); font-weight: 600; }
.close { color: var(--soft); font-size: 15px; margin: 18px 0 0; }
form { margin: 0 0 12px; }
.row { display: flex; gap: 12px; }
.row > * { flex: 1; min-width: 0; }
button, .button { display: block; width: 100%; min-height: 52px; margin: 0; padding: 12px 16px; border: 1px solid var(--main); border-radius: 12px;
  background: transparent; color: var(--main); font: inherit; font-weight: 600; line-height: 1.25; cursor: pointer; overflow-wrap: anywhere; }
button.main { background: var(--main); color: var(--on-main); }
.button { margin-bottom: 12px; padding: 14px 16px; text-align: center; text-decoration: none; }
.button.small { padding: 11px 16px; }
button.small, .button.small { min-height: 44px; border-color: var(--line); color: var(--soft); }
button:hover, a:hover { filter: brightness(1.06); }
button:focus-visible, input:focus-visible, a:focus-visible { outline: 3px solid var(--main); outline-offset: 2px; }
label { display: block; margin: 22px 0 8px; font-weight: 600; }
label + .hint { margin: -4px 0 10px; font-size: 15px; }
input { display: block; width: 100%; min-height: 52px; margin: 0 0 12px; padding: 10px 14px; border: 1px solid var(--line); border-radius: 12px;
  background: var(--field); color: var(--strong); font: inherit; }
[hidden] { display: none !important; }
.otherwise { margin: 22px 0 8px; padding-top: 18px; border-top: 1px solid var(--line); font-weight: 600; }
.item { display: block; margin: 0 0 12px; padding: 14px 16px; border: 1px solid var(--line); border-radius: 12px; color: var(--soft); font-size: 15px;
  text-decoration: none; }
.item strong { color: var(--main); font-size: 17px; }
.item strong, .item span { display: block; }
h1 + nav { margin-top: 18px; }
.close + nav { margin-top: 22px; }
nav > :last-child { margin-bottom: 0; }
ul { margin: 0; padding: 0; list-style: none; }
li { padding: 6px 0; }
`;

/** Nothing runs, nothing is loaded, nothing is sent but to where the page came from. */
export const PAGE_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${hash("sha256", STYLE, "base64")}'`,
  "img-src data:",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");
