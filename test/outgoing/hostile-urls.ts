// URLs that mean the inside of a network, in all the ways that are known to get past guards which look at the text.

/** What nobody outside may reach, and each stands for more: loopback, private networks, clouds' metadata services. */
export const INSIDE_IPV4 = [
  "127.0.0.1",
  "127.1.2.3",
  "0.0.0.0",
  "10.0.0.1",
  "10.255.255.255",
  "172.16.0.1",
  "172.31.255.254",
  "192.168.0.1",
  "100.64.0.1",
  "169.254.169.254", // AWS, Google Cloud, Azure, DigitalOcean, OpenStack, Hetzner and more
  "169.254.170.2", // AWS ECS: credentials of a task
  "169.254.0.23", // Tencent Cloud
  "100.100.100.200", // Alibaba Cloud
  "192.0.0.192", // Oracle Cloud, before
  "168.63.129.16", // Azure's platform service, in a range that looks public
  "198.18.0.1",
  "192.0.2.1",
  "224.0.0.1",
  "255.255.255.255",
];

const hex = (number: number, digits = 1): string => number.toString(16).padStart(digits, "0");
const octal = (number: number): string => `0${number.toString(8)}`;
const fullWidth = (text: string): string =>
  text.replaceAll(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit)));
const bold = (text: string): string => text.replaceAll(/\d/g, (digit) => String.fromCodePoint(0x1d7ce + Number(digit)));
const circled = (text: string): string =>
  text.replaceAll(/\d/g, (digit) => String.fromCodePoint(digit === "0" ? 0x24ea : 0x245f + Number(digit)));
const superscript = (text: string): string => text.replaceAll(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)] ?? "");
const percent = (text: string): string => text.replaceAll(/./g, (it) => `%${hex(it.charCodeAt(0), 2)}`);

/** Hosts that a URL parser takes for this very address. */
export function sameIpv4(address: string): string[] {
  const bytes = address.split(".").map(Number) as [number, number, number, number];
  const [a, b, c, d] = bytes;
  const number = a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d;
  return [
    address,
    `${address}.`,
    String(number),
    `0x${hex(number)}`,
    `0X${hex(number, 8).toUpperCase()}`,
    `0x${hex(number, 16)}`,
    octal(number),
    `000000${octal(number)}`,
    bytes.map((byte) => `0x${hex(byte)}`).join("."),
    bytes.map((byte) => `0x${hex(byte, 6)}`).join("."),
    bytes.map(octal).join("."),
    bytes.map((byte) => `0000${octal(byte)}`).join("."),
    `0x${hex(a)}.${octal(b)}.${c}.${d}`,
    `${a}.${b}.${c * 2 ** 8 + d}`,
    `${a}.${b * 2 ** 16 + c * 2 ** 8 + d}`,
    `${octal(a)}.0x${hex(b * 2 ** 16 + c * 2 ** 8 + d)}`,
    fullWidth(address),
    fullWidth(String(number)),
    bold(address),
    circled(address),
    superscript(address),
    percent(address),
    address.replaceAll(".", "。"),
    address.replaceAll(".", "．"),
    address.replaceAll(".", "｡"),
    address.replaceAll(".", "%2e"),
    address.replace(/\d/, (digit) => `${digit}\u00ad`), // a soft hyphen, which IDNA drops
    address.replace(/\d/, (digit) => `${digit}\u200b`), // a space without width, likewise
  ];
}

/** Hosts in IPv6 that lead, or once led, to this IPv4 address. */
export function insideIpv6(address: string): string[] {
  const [a, b, c, d] = address.split(".").map(Number) as [number, number, number, number];
  const [high, low] = [hex(a * 256 + b), hex(c * 256 + d)];
  const flipped = `${hex((a * 256 + b) ^ 0xffff)}:${hex((c * 256 + d) ^ 0xffff)}`;
  return [
    `[::ffff:${address}]`,
    `[::ffff:${high}:${low}]`,
    `[0:0:0:0:0:FFFF:${high}:${low}]`,
    `[0000:0000:0000:0000:0000:ffff:${address}]`,
    `[::${address}]`,
    `[::ffff:0:${address}]`,
    `[64:ff9b::${address}]`,
    `[64:ff9b:1::${address}]`,
    `[64:ff9b:1:${high}:${low}::]`,
    `[2002:${high}:${low}::1]`,
    `[2001:0:4136:e378:8000:63bf:${flipped}]`, // Teredo keeps it with its bits turned around
    `[fe80::5efe:${address}]`, // ISATAP
  ];
}

/** Whole URLs around a host that try to make a reader look at another one. */
export function disguised(host: string, port: number): string[] {
  return [
    `http://${host}:${port}/`,
    `https://${host}:${port}/`,
    `HTTP://${host}:${port}/`,
    `http:${host}:${port}/`,
    `http:/${host}:${port}/`,
    `http:////${host}:${port}/`,
    `http:\\\\${host}:${port}\\`,
    `http://example.com@${host}:${port}/`,
    `http://example.com:80@${host}:${port}/`,
    `http://example.com%40@${host}:${port}/`,
    `http://@${host}:${port}/`,
    `http://${host}:${port}\\@example.com/`,
    `http://${host}:${port}/@example.com`,
    `http://${host}:${port}?@example.com/`,
    `http://${host}:${port}#@example.com/`,
    `http://${host}:0${port}/`,
    ` http://${host}:${port}/`,
    `http://${host}:${port}/ `,
    `ht\ntp://${host}:${port}/`,
    `http://\t${host}:${port}/`,
    `http://${host}:${port}/\r\nHost: example.com`,
  ];
}

export const INSIDE_IPV6 = [
  "::",
  "::1",
  "0:0:0:0:0:0:0:1",
  "0000:0000:0000:0000:0000:0000:0000:0001",
  "fe80::1",
  "fec0::1",
  "fc00::1",
  "fd00:ec2::254", // AWS
  "fd20:ce::254", // Google Cloud
  "fd00:c1::a9fe:a9fe", // Oracle Cloud
  "fd00:42::42", // Scaleway
  "ff02::1",
  "ff0e::1",
  "100::1",
  "2001:db8::1",
  "2001:2::1",
  "2001:10::1",
  "2001:20::1",
  "2001:30::1",
  "2620:4f:8000::1",
  "3fff::1",
  "5f00::1",
  "4000::1",
  "1000::1",
  "8000::1",
  "e000::1",
];

/** What isn't a URL, or not one with a host to send HTTP to. */
export const NOT_FOR_US = [
  "",
  "http:",
  "http://",
  "http:///",
  "https://:443/",
  "//127.0.0.1/",
  "127.0.0.1",
  "localhost",
  "/etc/passwd",
  "file:///etc/passwd",
  "file://127.0.0.1/etc/passwd",
  "ftp://127.0.0.1/",
  "sftp://127.0.0.1/",
  "tftp://127.0.0.1/",
  "gopher://127.0.0.1:6379/_FLUSHALL",
  "dict://127.0.0.1:11211/stats",
  "ldap://127.0.0.1/",
  "ws://127.0.0.1/",
  "wss://127.0.0.1/",
  "unix:/run/docker.sock",
  "http+unix://%2Frun%2Fdocker.sock/info",
  "data:text/plain,hello",
  "javascript:alert(1)",
  "blob:http://127.0.0.1/1",
  "about:blank",
  "jar:http://127.0.0.1!/",
  "netdoc:///etc/passwd",
  "view-source:http://127.0.0.1/",
  "http://[::1%25lo]/",
  "http://[fe80::1%25eth0]/",
  "http://[fe80::1%eth0]/",
  "http://[::1]example.com/",
  "http://::1/",
  "http://[127.0.0.1]/",
  "http://256.256.256.256/",
  "http://127.0.0.1.1/",
  "http://4294967296/",
  "http://0x100000000/",
  "http://08.0.0.1/",
  "http://1.2.3.4.5/",
  "http://127.0.0.1%00.example.com/",
  "http://127.0.0.1%2f@example.com/",
  "http://example.com%00/",
  "http://exa mple.com/",
  "http://exa<mple.com/",
  "http://example..com/",
  "http://.example.com/",
  "http://$%7B127.0.0.1%7D/",
  "http://user@example.com/",
  "http://:secret@example.com/",
  "http://user:secret@example.com/",
  "http://example.com:65536/",
  "http://example.com:-1/",
  "http://example.com:80:80/",
  `http://${"a".repeat(64)}.${"b".repeat(250)}.example/`,
  `http://example.com/${"a".repeat(8_000)}`,
];
