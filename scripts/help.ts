/** `--help` of any command says what it does and ends with 0, before anything else is looked at. */
export function answerHelp(text: string): void {
  if (!process.argv.slice(2).some((argument) => argument === '--help' || argument === '-h')) return;
  process.stdout.write(`${text.trim()}\n`);
  process.exit(0);
}
