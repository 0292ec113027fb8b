import { readFileSync } from 'node:fs';
import { projectPath } from '../../platform/paths.ts';

export interface NginxPlace {
  /** `host:port` for plain HTTP and for TLS. */
  http: string;
  https: string;
  /** `host:port` of each api; without them that of the file. */
  apis?: readonly string[];
  certificate: string;
  key: string;
}

/** The site that we ship, with other addresses and nothing else changed. @throws Error naming what the file no longer has */
export function nginxSite(at: NginxPlace): string {
  let site = readFileSync(projectPath('deploy', 'nginx', 'nocturne.conf'), 'utf8');
  const put = (what: RegExp, other: string): void => {
    if (!what.test(site)) throw new Error(`deploy/nginx/nocturne.conf has no ${what.source}`);
    site = site.replace(what, other);
  };
  put(/(?<=ssl_certificate {5})\S+(?=;)/, at.certificate);
  put(/(?<=ssl_certificate_key )\S+(?=;)/, at.key);
  put(/(?<=listen )80(?=;)/, at.http);
  put(/(?<=listen )443(?= )/, at.https);
  const line = /^ +server 127\.0\.0\.1:3000.*$/m;
  const [said = ''] = line.exec(site) ?? [];
  put(line, (at.apis ?? ['127.0.0.1:3000']).map((api) => said.replace('127.0.0.1:3000', api)).join('\n'));
  return site;
}

/** A whole configuration of an nginx that keeps to one folder. */
export function nginxConfig(folder: string, site: string): string {
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  return [
    'daemon off;',
    `pid ${folder}/pid;`,
    'error_log stderr warn;',
    'events {}',
    'http {',
    'access_log off;',
    ...paths,
    site,
    '}\n',
  ].join('\n');
}

/** Arguments of `openssl` for a certificate of a few days. @param names as in subjectAltName, such as `DNS:localhost` */
export const certificateArguments = (key: string, certificate: string, names: string): string[] =>
  'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2'
    .split(' ')
    .concat('-subj', '/CN=observe.example', '-addext', `subjectAltName=${names}`)
    .concat('-keyout', key, '-out', certificate);
