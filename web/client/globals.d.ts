declare module '*.html' {
  const text: string;
  export default text;
}
declare module '*.css';
declare module '@alpinejs/csp' {
  export interface AlpineStatic {
    data(name: string, factory: (...args: never[]) => object): void;
    start(): void;
    initTree(el: HTMLElement): void;
  }
  export const Alpine: AlpineStatic;
}
