<?php
// --course: a course reset that deletes the completions, as its form does.
require(__DIR__ . '/boot.php');
$course = live_course((int) $given['course']);
$data = (object) [
    'id' => $course->id,
    'courseid' => $course->id,
    'reset_completion' => 1,
    'reset_start_date' => 0,
    'reset_end_date' => 0,
    'reset_start_date_old' => $course->startdate,
    'reset_end_date_old' => $course->enddate,
    'timeshift' => 0,
];
foreach (reset_course_userdata($data) as $step) {
    if ($step['error'] !== false) {
        fwrite(STDERR, "$step[component] / $step[item]: $step[error]\n");
        exit(1);
    }
}
