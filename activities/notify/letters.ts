import type { MessageFacts } from '../../domain/messages/facts.ts';
import type { GuestMessage } from '../../domain/messages/message.ts';
import type { Locale } from '../../domain/reasons.ts';

export interface Picture {
  cid: string;
  caption: string;
  jpeg: Buffer;
}

/** What a letter says, before it becomes text and HTML. Subject and lines are plain text. */
export interface Letter {
  locale: Locale;
  subject: string;
  /** Who it comes from, above the text. */
  heading: string;
  lines: string[];
  figures: { label: string; value: string }[];
  pictures: Picture[];
  /** The first is the button. */
  links: { label: string; url: string }[];
  /** Small print: support, preferences. */
  footer: { text: string; url: string | null }[];
}

export const LABELS = {
  control: { fr: 'Suivre la session', en: 'Follow the session' },
  report: { fr: 'Voir le rapport', en: 'See the report' },
  archive: { fr: 'Télécharger les images', en: 'Download the images' },
  preferences: { fr: 'Choisir ce que nous vous écrivons', en: 'Choose what we write to you' },
  question: { fr: 'Une question ?', en: 'Questions?' },
} as const satisfies Record<string, Record<Locale, string>>;

/** The words of a guest's letter; its links, figures and pictures are put in by whoever knows them. */
export function wordsOf(
  message: GuestMessage,
  facts: MessageFacts,
  name: string | null,
): Pick<Letter, 'locale' | 'subject' | 'heading' | 'lines'> {
  const { locale } = facts;
  const [subject, ...sentences] = message.write(facts)[locale];
  const hello = locale === 'fr' ? 'Bonjour' : 'Hello';
  return {
    locale,
    subject: `${subject} (${facts.target})`,
    heading: subject,
    lines: [name ? `${hello} ${name},` : `${hello},`, ...sentences].filter(Boolean),
  };
}

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
/** A header has one line. */
const oneLine = (text: string): string => text.replace(/[\r\n]+/g, ' ').slice(0, 200);

function plainText(letter: Letter): string {
  const figures = letter.figures.map((figure) => `${figure.label}: ${figure.value}`);
  const blocks = [
    ...letter.lines,
    ...(figures.length > 0 ? [figures.join('\n')] : []),
    ...letter.links.map((link) => `${link.label}:\n${link.url}`),
    ...(letter.footer.length > 0
      ? [`-- \n${letter.footer.map((line) => (line.url ? `${line.text}: ${line.url}` : line.text)).join('\n')}`]
      : []),
  ];
  return `${blocks.join('\n\n')}\n`;
}

const FONT = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";
const INK = '#1b2333';
const MUTED = '#5b6577';
const ACCENT = '#2f5bd7';

const cell = (style: string, inner: string): string => `<tr><td style="${FONT};${style}">${inner}</td></tr>`;

function figuresHtml(letter: Letter): string {
  if (letter.figures.length === 0) return '';
  const cells = letter.figures.map(
    (figure) =>
      `<td width="33%" valign="top" style="${FONT};padding:12px 6px;text-align:center"><div style="font-size:22px;font-weight:700;color:${INK}">${escapeHtml(figure.value)}</div><div style="font-size:13px;line-height:18px;color:${MUTED}">${escapeHtml(figure.label)}</div></td>`,
  );
  return `<tr><td style="padding:4px 18px 8px"><table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="background:#f2f5fb;border-radius:10px"><tr>${cells.join('')}</tr></table></td></tr>`;
}

function picturesHtml(letter: Letter): string {
  if (letter.pictures.length === 0) return '';
  const single = letter.pictures.length === 1;
  const pictures = letter.pictures.map(
    (picture) =>
      `<div style="display:inline-block;vertical-align:top;width:${single ? '100%' : '46%'};${single ? '' : 'margin:0 1.5% 10px;'}"><img src="cid:${picture.cid}" alt="${escapeHtml(picture.caption)}" width="${single ? 524 : 246}" style="display:block;width:100%;height:auto;border-radius:8px;border:0"><div style="${FONT};font-size:12px;line-height:18px;color:${MUTED};padding-top:4px">${escapeHtml(picture.caption)}</div></div>`,
  );
  return cell('padding:8px 24px 12px;text-align:center', pictures.join(''));
}

function linksHtml(letter: Letter): string {
  return letter.links
    .map((link, i) =>
      i === 0
        ? cell(
            'padding:14px 24px',
            `<a href="${escapeHtml(link.url)}" style="display:inline-block;background:${ACCENT};color:#ffffff;text-decoration:none;font-size:16px;font-weight:600;line-height:20px;padding:13px 22px;border-radius:8px">${escapeHtml(link.label)}</a>`,
          )
        : cell(
            'padding:0 24px 14px;font-size:15px',
            `<a href="${escapeHtml(link.url)}" style="color:${ACCENT}">${escapeHtml(link.label)}</a>`,
          ),
    )
    .join('');
}

function footerHtml(letter: Letter): string {
  const lines = letter.footer.map((line) =>
    line.url
      ? `<a href="${escapeHtml(line.url)}" style="color:${MUTED}">${escapeHtml(line.text)}</a>`
      : escapeHtml(line.text),
  );
  return lines.length === 0
    ? ''
    : cell(
        `padding:14px 24px 20px;border-top:1px solid #e3e8f2;font-size:13px;line-height:22px;color:${MUTED}`,
        lines.join('<br>'),
      );
}

/** HTML that mail programs show alike: tables, styles on each element, one column of at most 572 pixels, pictures from the letter itself. */
function html(letter: Letter): string {
  const preview = letter.lines.slice(1).join(' ').slice(0, 140);
  const paragraphs = letter.lines
    .map((line) => cell(`padding:6px 24px;font-size:16px;line-height:24px;color:${INK}`, escapeHtml(line)))
    .join('');
  return `<!doctype html>
<html lang="${letter.locale}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light"><title>${escapeHtml(letter.subject)}</title></head>
<body style="margin:0;padding:0;background:#e9edf5"><div style="display:none;max-height:0;overflow:hidden">${escapeHtml(preview)}</div>
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="background:#e9edf5"><tr><td align="center" style="padding:16px 8px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:572px;background:#ffffff;border-radius:14px">
${cell(`padding:22px 24px 6px;font-size:13px;letter-spacing:1px;color:${MUTED}`, 'nocturne')}
${cell(`padding:0 24px 8px;font-size:22px;line-height:28px;font-weight:700;color:${INK}`, escapeHtml(letter.heading))}
${paragraphs}${figuresHtml(letter)}${picturesHtml(letter)}${linksHtml(letter)}${footerHtml(letter)}
</table></td></tr></table></body></html>`;
}

export interface RenderedLetter {
  subject: string;
  text: string;
  html: string;
  attachments: { filename: string; content: Buffer; contentType: string; cid: string }[];
}

/** Plain text and the same as HTML, with the pictures that it shows. */
export function renderLetter(letter: Letter): RenderedLetter {
  return {
    subject: oneLine(letter.subject),
    text: plainText(letter),
    html: html(letter),
    attachments: letter.pictures.map((picture, i) => ({
      filename: `image-${i + 1}.jpg`,
      content: picture.jpeg,
      contentType: 'image/jpeg',
      cid: picture.cid,
    })),
  };
}
