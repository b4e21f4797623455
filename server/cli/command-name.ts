/**
 * How a command begins that people paste into a terminal. Without `--no-install`, npx would fetch and run the package of
 * this name, which is not ours, wherever the checkout is not.
 */
export const commandName = 'npx --no-install lethe'
