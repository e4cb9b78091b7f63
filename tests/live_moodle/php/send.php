<?php
// --seconds: sends as the task does, for so long, and tells how it ended and how much memory it took.
require(__DIR__ . '/boot.php');
$before = memory_get_usage();
$sender = new \local_copbridge\local\sender();
$result = $sender->run(time() + (int) $given['seconds'], true);
echo json_encode([
    'outcome' => $result->outcome,
    'status' => $result->status,
    'settled' => $sender->settled(),
    'before' => $before,
    'peak' => memory_get_peak_usage(),
]);
