import fastify, { type FastifyInstance, type FastifyPluginAsync } from "fastify";
import { type Receive, toNodeHandler } from "latchkey/http";

/** Mounts a receiver at a path. No parser of its scope reads the body, because signatures cover the raw body. */
export const receiver: FastifyPluginAsync<{ readonly path: string; readonly receive: Receive }> = async (
  scope,
  { path, receive },
) => {
  const handle = toNodeHandler(receive);
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser("*", (_request, _payload, done) => done(null));
  scope.post(path, (request, reply) => {
    reply.hijack();
    handle(request.raw, reply.raw);
  });
};

/** Mounts the receiver at `/webhooks/github`. All other routes keep Fastify's parsers. */
export function createApp(receive: Receive): FastifyInstance {
  const app = fastify();
  app.register(receiver, { path: "/webhooks/github", receive });
  app.post("/echo", async (request) => request.body);
  return app;
}
