<?php
// --course: does what is listed on standard input, one after another, through Moodle's own code. Each is
// {"do": ..., "user": ..., "cm": ..., ...}; one line of JSON comes out for each: what it came to.
require(__DIR__ . '/boot.php');
require_once($CFG->dirroot . '/lib/phpunit/classes/util.php');
require_once($CFG->dirroot . '/user/lib.php');
require_once($CFG->dirroot . '/group/lib.php');
require_once($CFG->libdir . '/gradelib.php');
require_once($CFG->dirroot . '/mod/assign/locallib.php');
require_once($CFG->dirroot . '/mod/quiz/locallib.php');
require_once($CFG->dirroot . '/mod/choice/lib.php');
require_once(__DIR__ . '/deeds_lib.php');
$course = live_course((int) $given['course']);
foreach (json_decode(stream_get_contents(STDIN), true) as $deed) {
    \core\session\manager::set_user(get_admin());
    try {
        $result = (new live_deeds($course->id, $deed))->{'do_' . $deed['do']}();
        echo json_encode(['result' => $result]), "\n";
    } catch (Throwable $e) {
        echo json_encode(['error' => get_class($e) . ': ' . $e->getMessage() . ' ' . ($e->debuginfo ?? '')]), "\n";
    }
}
