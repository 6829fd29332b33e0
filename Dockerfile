# zoho-hooks with all that a log in PostgreSQL and a queue in Redis need: see docs/team.md.
#   docker build --tag zoho-hooks .
#   docker run --publish 4460:4460 --volume hooks:/data --env-file .env zoho-hooks
FROM node:24-alpine AS build
WORKDIR /source
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm pack --silent --pack-destination /tmp

FROM node:24-alpine
COPY --from=build /tmp/zoho-hooks-*.tgz /tmp/
RUN npm install --global --no-audit --no-fund /tmp/zoho-hooks-*.tgz pg@8 bullmq@6 ioredis@6 \
  && rm -rf /tmp/*.tgz /root/.npm \
  && mkdir /data && chown node:node /data
USER node
# The container is the fence around what is mounted, so nobody has to be asked.
ENV ZOHO_HOOKS_TRUST=1
# The project: zoho-hooks.config.json, if there is one, and the event log in SQLite unless ZOHO_HOOKS_STORE names a database.
WORKDIR /data
VOLUME /data
EXPOSE 4460
# Unhealthy while no delivery can be recorded. A worker has no receiver: for it, set HEALTH_PORT to the port of --admin.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD wget -q -O /dev/null "http://127.0.0.1:${HEALTH_PORT:-4460}/readyz"
ENTRYPOINT ["zoho-hooks"]
CMD ["listen", "--host", "0.0.0.0", "--port", "4460"]
