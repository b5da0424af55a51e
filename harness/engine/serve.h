#ifndef FTF_ENGINE_SERVE_H
#define FTF_ENGINE_SERVE_H
/*
 * A zygote: a worker that has started its interpreter and imported the target, and then forks for whoever asks. A process
 * that begins there is as fresh as one that was started anew, at a hundredth of the price, and a buggy target makes campaigns
 * and replays start processes all the time.
 *
 * It forks while it has a single thread. That is a condition, not a habit: a child that TSan believes to have been forked
 * from a process with threads ignores every race (FACTS). Lanes and watchdog are made in the child.
 *
 * The protocol is lines, requests on standard input, answers on standard output:
 *
 *     -> <ticket> TAB <stderr file> TAB <working folder> TAB <argument> TAB <argument> ...
 *     <- pid <ticket> <number>
 *     <- end <ticket> <status of wait> <CPU time in microseconds>
 *
 * A ticket is any word; it tells the answers apart, because a few children may run at a time. The arguments are a worker's,
 * without its name; catalog, home and paths are the zygote's own. End of input ends the zygote; children die with it.
 */

/* Serves until its input ends, and then ends the process. In a child it returns, with the child's command line in
   *argc, *argv. */
void ftf_serve(int *argc, char ***argv);

#endif
