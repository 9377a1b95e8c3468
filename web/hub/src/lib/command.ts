/** Pull commands. Pure: `command.test.ts`. */
export type Program = "docker" | "budu";

/** The same command for another program. */
export function forProgram(command: string, program: Program): string {
  return command.replace(/^\S+/, program);
}

/** What `docker push` names: the pull command's name with a tag. */
export function imageName(pullCommand: string): string {
  return pullCommand.split(" ").at(-1) ?? "";
}
