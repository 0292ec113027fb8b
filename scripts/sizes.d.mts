type Sizes = Record<string, number>;
export function readList(text?: string): Sizes;
export function measure(): Sizes;
export function differences(found: Sizes, list: Sizes): string[];
export function counts(list: Sizes): Record<string, number>;
