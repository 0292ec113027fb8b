/** Texts by key: [French, English]; `{name}` stands for a value. */
export type Words = Record<string, readonly [french: string, english: string]>;
