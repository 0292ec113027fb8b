/** Hands a file to the browser's downloads. Answers that nothing is left to be said. */
export function keepFile(content: Blob, name: string): '' {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1_000);
  return '';
}
