/** A part of a page's component: the fields it brings, and its methods, which see the whole page as `this`. */
export interface Part<Page, State extends object, Methods extends object> {
  state(): State;
  methods: Methods & ThisType<Page>;
}
/** What a part adds to its page, for the declaration of the page's interface. */
export type Brings<One> = One extends { state(): infer State extends object; methods: infer Methods }
  ? State & Methods
  : never;

/** Makes parts of one page: `const part = partsOf<ReportPage>()`. */
export const partsOf =
  <Page>() =>
  <State extends object, Methods extends object>(one: Part<Page, State, Methods>): Part<Page, State, Methods> =>
    one;

/** The fields and methods of all parts as one object, for Alpine. */
export const joined = (parts: readonly { state(): object; methods: object }[]): object =>
  Object.assign({}, ...parts.map((one) => ({ ...one.state(), ...one.methods }))) as object;
