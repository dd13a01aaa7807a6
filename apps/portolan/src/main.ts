import { runProcess } from '@portolan/platform';
import { readCommand, USAGE } from './arguments.ts';
import { backup, restore } from './backup.ts';
import { copy } from './copy.ts';
import { inspect } from './inspect.ts';
import { repair } from './repair.ts';

// Who reads no further, as `head`, is no failure of the command.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

await runProcess(async () => {
  const command = readCommand(process.argv.slice(2), process.env);
  switch (command.command) {
    case 'help':
      process.stdout.write(`${USAGE}\n`);
      break;
    case 'copy':
      process.exitCode = await copy(command);
      break;
    case 'inspect':
      await inspect(command);
      break;
    case 'repair':
      process.exitCode = await repair(command);
      break;
    case 'backup':
      await backup(command);
      break;
    case 'restore':
      await restore(command);
      break;
  }
  return undefined;
});
