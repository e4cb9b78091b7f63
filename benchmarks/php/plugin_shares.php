<?php
// --calls (JSON: [[function, {parameters}], ...]) --times: what of a call is the database's time, and what the function's
// own. Prints JSON: for each of the calls the seconds of [the database, the function, the function with its answer checked],
// of its best run.
require(__DIR__ . '/plugin_boot.php');

$told = [];
foreach (json_decode($given['calls'], true, 512, JSON_THROW_ON_ERROR) as [$function, $parameters]) {
    $class = '\\local_copbridge\\external\\' . substr($function, strlen('local_copbridge_'));
    $best = null;
    // Once more than is counted: the first one loads classes.
    for ($i = 0; $i <= (int) $given['times']; $i++) {
        $before = $DB->perf_get_queries_time();
        $began = microtime(true);
        $answer = $class::execute(...$parameters);
        $done = microtime(true);
        $spent = $DB->perf_get_queries_time() - $before;
        json_encode(\core_external\external_api::clean_returnvalue($class::execute_returns(), $answer));
        $end = microtime(true);
        if ($i && ($best === null || $end - $began < $best[2])) {
            $best = [$spent, $done - $began, $end - $began];
        }
    }
    $told[] = $best;
}
echo json_encode($told), "\n";
