<?php
// --course: keeps the site for a benchmark of sending, fills the outbox with completions of that course as they are in its
// tables, and puts everything back when standard input ends. Nothing of the course is changed.
require(__DIR__ . '/plugin_boot.php');

use local_copbridge\local\backoff;
use local_copbridge\local\outbox;

/** Rows for so many completions, in the order in which they happened; from the first on again where there are fewer. */
function bench_fill(int $courseid, int $wanted): int {
    global $DB;
    $sql = 'SELECT c.* FROM {course_modules_completion} c JOIN {course_modules} m ON m.id = c.coursemoduleid
             WHERE m.course = :course AND m.deletioninprogress = 0 ORDER BY c.timemodified, c.id';
    $rows = array_values($DB->get_records_sql($sql, ['course' => $courseid], 0, $wanted));
    if (!$rows) {
        throw new Exception("course $courseid has no completions");
    }
    outbox::clear();
    for ($i = 0; $i < $wanted; $i++) {
        $row = $rows[$i % count($rows)];
        outbox::add(\core\event\course_module_completion_updated::create([
            'objectid' => $row->id,
            'context' => context_module::instance($row->coursemoduleid),
            'relateduserid' => $row->userid,
            'other' => ['relateduserid' => $row->userid, 'overrideby' => null, 'completionstate' => (int) $row->completionstate],
        ]));
    }
    backoff::forget();
    return outbox::waiting();
}

if (outbox::waiting() || outbox::dead(1)) {
    fwrite(STDERR, "The outbox isn't empty: what is in it would be lost.\n");
    exit(3);
}
$settings = bench_settings();
$logged = (int) $DB->get_field_sql('SELECT COALESCE(MAX(id), 0) FROM {local_copbridge_delivery}');
try {
    // What happens on the site meanwhile isn't ours to send.
    set_config('scope', 'none', 'local_copbridge');
    bench_talk([
        'endpoint' => fn(string $url) => set_config('endpoint', $url, 'local_copbridge'),
        'secret' => function (string $secret) {
            set_config('secret2', '', 'local_copbridge');
            return set_config('secret', $secret, 'local_copbridge');
        },
        'fill' => fn(string $events) => bench_fill((int) $given['course'], (int) $events),
        'moodle' => fn() => $CFG->release,
    ]);
} finally {
    outbox::clear();
    $DB->delete_records_select('local_copbridge_delivery', 'id > ?', [$logged]);
    bench_restore($settings);
}
