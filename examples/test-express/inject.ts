import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { Express } from "express";

/** A request to an application. */
export interface Injected {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** Passes a POST request to the application without a network, and resolves with the status of its response. */
export function inject(app: Express, { path, headers, body }: Injected): Promise<number> {
  const request = new IncomingMessage(new Socket());
  const text = JSON.stringify(body);
  request.method = "POST";
  request.url = path;
  request.headers = { ...headers, "content-type": "application/json", "content-length": `${Buffer.byteLength(text)}` };
  request.push(text);
  request.push(null);
  const response = new ServerResponse(request);
  return new Promise((resolve) => {
    response.end = (): ServerResponse => {
      resolve(response.statusCode);
      return response;
    };
    app(request, response);
  });
}
