import { defineCommand } from '../command.js';
import { CONTEXT_SOURCES, addContext } from '../context/context-source.js';

export const login = defineCommand({
  name: 'login',
  summary: 'keep a gateway and who you are there as a context, and use it',
  description:
    'Takes the service key of a client (POST /v1/clients/{client}/service-key gives one), or the administrator of the mesh that npm start runs from this folder, gets a token to see that it is right, and keeps it in $XDG_CONFIG_HOME/heddle/contexts.json, which nobody else can read.',
  args: [{ name: 'NAME', about: 'how the context is called; default when left out', optional: true }],
  options: CONTEXT_SOURCES,
  json: '{"name", "gateway", "clientId", "current"}',
  examples: [
    { line: 'heddle login', about: 'as the administrator of the mesh of this folder' },
    { line: 'heddle login production --service-key shop.service-key.json', about: 'with a service key' },
    { line: 'heddle login shop --service-key - < shop.service-key.json', about: 'the same, from the standard input' },
  ],
  run: (invocation) => addContext(invocation, invocation.args[0] ?? 'default', true),
});
