import { get, type RequestOptions } from 'node:http';

export interface Scraped {
  readonly status: number;
  readonly type: string | undefined;
  readonly text: string;
}

/** Asks `drbd metrics` as Prometheus does. */
export function scrape(options: RequestOptions): Promise<Scraped> {
  return new Promise((resolve, reject) => {
    get(options, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => (text += part));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, type: response.headers['content-type'], text }),
      );
    }).on('error', reject);
  });
}

/** @returns what is served at a socket; nothing while nobody does */
export async function served(socketPath: string): Promise<string> {
  return scrape({ socketPath, path: '/metrics' }).then(
    ({ text }) => text,
    () => '',
  );
}
