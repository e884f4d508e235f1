// Loaded into a program by `node --import`: its clock is CLOCK_OFF_MS ahead of the real one (behind, if negative).
const offMs = Number(process.env.CLOCK_OFF_MS);
const RealDate = Date;
const now = () => RealDate.now() + offMs;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  apply: () => new RealDate(now()).toString(),
  get: (target, name, receiver) => (name === "now" ? now : Reflect.get(target, name, receiver)),
});
