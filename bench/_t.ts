import { benchProcess } from './gateway-process.ts';
const text = 'q7/+9Ajk';
console.log(await benchProcess(false, { control: () => '{"Event":"ControlData","Timestamp":1780000000,"Host":"B","Inst":1,"VOYSTAT":1,"SETUPCONN":true}\r\n', preview: (mb) => Buffer.from(`{"Event":"NewJPGReady","Timestamp":1780000000.5,"Host":"O","Inst":1,"File":"C:\\\\a.fit","Base64Data":"${text.repeat(mb * 131072)}"}\r\n`) }));
