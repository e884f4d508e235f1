/** What the pages behind the links in messages say, in one language. Dates and names are put in written out. */
export interface Words {
  language: string;
  /** What it is about stands above all this. */
  done: { ask: string; hint: string; press: string; said: string; was: string };
  /** Where several have it: what one puts off is put off for all. */
  forAll: string;
  snooze: {
    ask: string;
    hint: string;
    day: string;
    week: string;
    date: string;
    press: string;
    said(until: string): string;
  };
  promise: {
    ask: string;
    hint: string;
    today: string;
    tomorrow: string;
    date: string;
    press: string;
    said(until: string): string;
  };
  notMe: {
    ask: string;
    hint: string;
    press: string;
    other: string;
    otherHint: string;
    pressOther: string;
    said: string;
    saidOther(to: string): string;
    /** Of what others read as well, a group's channel say. */
    saidToGroup: string;
    /** To who takes back something else. */
    still: string;
  };
  stop: {
    ask: string;
    hint(address: string): string;
    /** What stands for the address where that is a contact's name, which readers don't know. */
    devices: string;
    reminder: string;
    kind(kind: string): string;
    saidReminder: string;
    saidKind(kind: string): string;
  };
  why: {
    title: string;
    because(about: string): string;
    /** To one of several. */
    becauseOneOf(about: string): string;
    /** To whom it was escalated to. */
    becauseToo(about: string): string;
    since(day: string): string;
    times(count: number): string;
    next(at: string): string;
    noNext: string;
    silent(until: string): string;
    isDone: string;
    isPaused: string;
    stops: string;
  };
  /** Between the foremost answer and the others. */
  otherwise: string;
  undo: string;
  undone: string;
  undoneNext(at: string): string;
  /** Stands beneath what was answered before. */
  earlier: string;
  /** Where that holds no more. */
  overturned: { done: string; not_me: string; stop: string };
  changeIt: string;
  close: string;
  /** `shared`: to who wants no more of what went to nobody's own address. */
  wrong: { choice: string; date: string; address: string; purpose: string; shared: string };
  refused: { done: string; paused: string; other: string; busy: string; not_allowed: string };
  over: {
    expired: [title: string, text: string];
    gone: [title: string, text: string];
    forged: [title: string, text: string];
  };
  /** To who has pressed a button in Slack, where there is no page. */
  slack: {
    stranger(memberId: string): string;
    notYours: string;
    cantSay: string;
    over: { expired: string; gone: string; forged: string };
  };
  /** Of a link in a message by which somebody tries words out. */
  test: [title: string, text: string];
  failed: [title: string, text: string];
  /** Where what was sent is no form, or too long: sent again it would be refused again. */
  unread: [title: string, text: string];
  tooMany: [title: string, text: string];
}
