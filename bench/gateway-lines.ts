/** Lines of a Voyager at work, for the benchmarks of the gateway. */

const MB = 1024 * 1024;

/** @param sequence of the running sequence; empty for none */
export function controlLine(n: number, sequence = 'C:\\Voyager\\Sequence\\base.s2q'): string {
  const two = (value: number): string => String(value % 60).padStart(2, '0');
  return `${JSON.stringify({
    Event: 'ControlData',
    Timestamp: 1_780_000_000 + n * 2 + 0.077,
    Host: 'OBSERVATORY',
    Inst: 1,
    TI: `2026-06-01 22:${two(n >> 6)}:${two(n)}`,
    TIUTC: `2026-06-01 20:${two(n >> 6)}:${two(n)}`,
    VOYSTAT: 2,
    SETUPCONN: true,
    CCDCONN: true,
    CCDTEMP: -10 - (n % 7) / 10,
    CCDPOW: 40 + (n % 10),
    CCDSETP: -10,
    CCDCOOL: true,
    CCDSTAT: 5,
    MNTCONN: true,
    MNTPARK: false,
    MNTRA: `02:49:${two(n)}`,
    MNTDEC: `47° 20' ${two(n + 7)}"`,
    MNTRAJ2000: `02:48:${two(n + 1)}`,
    MNTDECJ2000: `47° 14' ${two(n + 3)}"`,
    MNTAZ: `331° 23' ${two(n + 32)}"`,
    MNTALT: `56° 09' ${two(n + 55)}"`,
    MNTPIER: 'pierWest',
    MNTTFLIP: `-02:${two(59 - (n % 60))}:12`,
    MNTSFLIP: 0,
    MNTTRACK: true,
    MNTSLEW: false,
    AFCONN: true,
    AFTEMP: 11.5,
    AFPOS: 23_450 + (n % 5),
    SEQTOT: 7200,
    SEQPARZ: n % 7200,
    SEQNAME: 'NGC 1499',
    SEQSTART: '22:04:11',
    SEQREMAIN: `01:${two(n)}:10`,
    SEQEND: '00:10:41',
    RUNSEQ: sequence,
    RUNDS: 'C:\\Voyager\\DragScript\\night.vos',
    GUIDECONN: true,
    GUIDESTAT: 2,
    DITHSTAT: 0,
    GUIDEX: ((n % 17) - 8) / 20,
    GUIDEY: ((n % 13) - 6) / 20,
    PLACONN: false,
    PSCONN: true,
    ROTCONN: true,
    ROTPA: 181.25,
    ROTSKYPA: 1.5,
    ROTISROT: false,
    DOMECONN: true,
    DOMEPA: 331.4,
    DOMEISMOV: false,
    DOMESHUTTER: 0,
  })}\r\n`;
}

export function previewLine(megabytes: number): Buffer {
  const text = 'q7/+9Ajk'.repeat(Math.floor((megabytes * MB) / 8));
  return Buffer.from(
    `{"Event":"NewJPGReady","Timestamp":1780000000.5,"Host":"OBSERVATORY","Inst":1,"File":"C:\\\\Voyager\\\\FITS\\\\a.fit","SequenceTarget":"NGC 1499","TimeInfo":1780000000,"TimeInfoUTC":1779992800,"Expo":60,"Bin":1,"Filter":"L","HFD":2.41,"StarIndex":8.5,"PixelDimX":3008,"PixelDimY":3008,"Base64Data":"${text}"}\r\n`,
  );
}
