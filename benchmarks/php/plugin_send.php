<?php
// Sends what waits, as the scheduled task does, and prints as JSON how it ended, the seconds, the events that were settled,
// and the bytes of memory at their peak, before (Moodle itself) and after.
require(__DIR__ . '/plugin_boot.php');
$before = memory_get_peak_usage();
$began = microtime(true);
$sender = new \local_copbridge\local\sender();
$result = $sender->run(time() + HOURSECS);
echo json_encode([
    'outcome' => $result->outcome,
    'seconds' => microtime(true) - $began,
    'settled' => $sender->settled(),
    'before' => $before,
    'peak' => memory_get_peak_usage(),
]), "\n";
