# syntax=docker/dockerfile:1
# One image for every process of ours; the command says which: node apps/gateway/dist/main.js

FROM node:24.21.0-bookworm-slim AS build
WORKDIR /heddle
COPY . .
RUN --mount=type=cache,target=/root/.npm npm ci
RUN node_modules/.bin/tsc -b apps/gateway apps/sales-order apps/business-partner apps/contract
# Once more, with only what the processes need when they run.
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --ignore-scripts \
      --workspace apps/gateway --workspace apps/sales-order --workspace apps/business-partner \
      --workspace apps/contract --workspace libs/schema \
 && find apps libs schemas \( -name '*.test.*' -o -name '*.tsbuildinfo' \) -not -path '*/node_modules/*' -delete

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production
WORKDIR /heddle
COPY --from=build /heddle/package.json ./
COPY --from=build /heddle/node_modules node_modules
COPY --from=build /heddle/libs libs
COPY --from=build /heddle/schemas schemas
COPY --from=build /heddle/apps apps
# What makes clients and gets tokens: plain JavaScript.
COPY --from=build /heddle/infra/clients.mjs /heddle/infra/token.mjs infra/
COPY --from=build /heddle/infra/src/clients.mjs /heddle/infra/src/access-token.mjs /heddle/infra/src/launch-error.mjs infra/src/
# Where secrets are, the master key and those of clients; a volume over it takes its owner and mode.
RUN install --directory --owner=node --group=node --mode=700 /secrets
# Everything above belongs to root: the process can change nothing of itself.
USER node
ENTRYPOINT ["node", "--enable-source-maps", "--disable-warning=TimeoutNegativeWarning", "--max-semi-space-size=32"]
