<?php
// This file is part of Moodle - http://moodle.org/
//
// Moodle is free software: you can redistribute it and/or modify
// it under the terms of the GNU General Public License as published by
// the Free Software Foundation, either version 3 of the License, or
// (at your option) any later version.
//
// Moodle is distributed in the hope that it will be useful,
// but WITHOUT ANY WARRANTY; without even the implied warranty of
// MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
// GNU General Public License for more details.
//
// You should have received a copy of the GNU General Public License
// along with Moodle.  If not, see <http://www.gnu.org/licenses/>.

namespace local_copbridge\local\provision;

defined('MOODLE_INTERNAL') || die();

global $CFG;
require_once($CFG->libdir . '/completionlib.php');

/**
 * Completes an activity for who was at a session, and takes that back; never over what somebody else decided.
 *
 * What we left is kept in a table of our own. A completion row that is not as we left it was changed by the participant, by a
 * teacher or by Moodle itself, and is theirs from then on.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class presence {
    /** @var int[] states of somebody who completed */
    private const DONE = [COMPLETION_COMPLETE, COMPLETION_COMPLETE_PASS];

    /** @var \completion_info of the course */
    private readonly \completion_info $completion;

    /** @var array<int, true> who is actively enrolled, of those that are asked for */
    private array $enrolled;

    /**
     * For one course, and the people who are asked for.
     *
     * @param \stdClass $course
     * @param int[] $userids
     */
    public function __construct(
        /** @var \stdClass the course */
        private readonly \stdClass $course,
        array $userids
    ) {
        global $DB;
        $this->completion = new \completion_info($course);
        [$in, $params] = $DB->get_in_or_equal(array_unique($userids), SQL_PARAMS_NAMED, 'who');
        [$active, $more] = get_enrolled_sql(\context_course::instance($course->id), '', 0, true);
        $ids = $DB->get_fieldset_sql("SELECT e.id FROM ($active) e WHERE e.id $in", $params + $more);
        $this->enrolled = array_fill_keys(array_map('intval', $ids), true);
    }

    /**
     * Sets one person's presence.
     *
     * @param int $cmid
     * @param int $userid
     * @param bool $present
     * @return string what came of it: written, unchanged, changed_since, not_enrolled, not_tracked, not_there
     */
    public function set(int $cmid, int $userid, bool $present): string {
        $cm = get_fast_modinfo($this->course)->cms[$cmid] ?? null;
        if (!$cm || $cm->deletioninprogress) {
            return 'not_there';
        }
        if (!isset($this->enrolled[$userid])) {
            return 'not_enrolled';
        }
        if (!$this->completion->is_enabled($cm)) {
            return 'not_tracked';
        }
        // Most rows of a repeated call are as they should be: no transaction for these.
        $outcome = $this->judge($cmid, $userid, $present);
        if ($outcome !== 'write') {
            return $outcome;
        }
        try {
            return $this->write($cm, $userid, $present);
        } catch (\dml_write_exception $error) {
            // Somebody else made the row at the same time: what they wrote is looked at, and stays.
            return $this->judge($cmid, $userid, $present) === 'unchanged' ? 'unchanged' : 'changed_since';
        }
    }

    /**
     * What is to be done, by the rows as they are now.
     *
     * @param int $cmid
     * @param int $userid
     * @param bool $present
     * @return string write, unchanged or changed_since
     */
    private function judge(int $cmid, int $userid, bool $present): string {
        global $DB, $USER;
        $row = $DB->get_record('course_modules_completion', ['coursemoduleid' => $cmid, 'userid' => $userid]);
        $left = $DB->get_record('local_copbridge_presence', ['cmid' => $cmid, 'userid' => $userid]);
        $done = $row && in_array((int) $row->completionstate, self::DONE, true);
        if ($done === $present) {
            return 'unchanged';
        }
        if ($left) {
            $asleft = $row && (int) $row->completionstate === (int) $left->state
                && (int) $row->timemodified === (int) $left->timewritten;
            return $asleft ? 'write' : 'changed_since';
        }
        // We never wrote here. Nothing of ours is there to be taken back; a teacher's decision and a failed grade stand.
        $theirs = $row && ((int) $row->completionstate === COMPLETION_COMPLETE_FAIL
            || ($row->overrideby !== null && (int) $row->overrideby !== (int) $USER->id));
        return $present && !$theirs ? 'write' : 'changed_since';
    }

    /**
     * Writes the completion and what we left, together.
     *
     * @param \cm_info $cm
     * @param int $userid
     * @param bool $present
     * @return string the outcome
     */
    private function write(\cm_info $cm, int $userid, bool $present): string {
        return work::whole((int) $this->course->id, function () use ($cm, $userid, $present): string {
            global $DB;
            // A write that changes nothing locks the row: a teacher who overrides in this very moment is either seen by the
            // judgement that follows, or comes after us.
            $key = ['coursemoduleid' => $cm->id, 'userid' => $userid];
            $DB->set_field('course_modules_completion', 'coursemoduleid', $cm->id, $key);
            $outcome = $this->judge((int) $cm->id, $userid, $present);
            if ($outcome !== 'write') {
                return $outcome;
            }
            $row = $this->complete($cm, $userid, $present);
            $this->remember((int) $cm->id, $userid, $row);
            return 'written';
        });
    }

    /**
     * Sets the completion by Moodle's own class, so that its event fires, its caches are right and the course's criteria follow.
     *
     * completion_info::update_state() would ask for moodle/course:overridecompletion, with which an account could override
     * whatever it liked; so what that does is done here, under our own capability and within our own bounds.
     *
     * @param \cm_info $cm
     * @param int $userid
     * @param bool $present
     * @return \stdClass the row as it was written
     */
    private function complete(\cm_info $cm, int $userid, bool $present): \stdClass {
        global $USER;
        \cache::make('core', 'completion')->delete($userid . '_' . $this->course->id);
        $row = $this->completion->get_data($cm, false, $userid);
        $state = $present ? COMPLETION_COMPLETE : COMPLETION_INCOMPLETE;
        $by = (int) $USER->id;
        if (!$present && (int) $cm->completion === COMPLETION_TRACKING_AUTOMATIC) {
            // Who has met the activity's own rules in the meantime keeps it, as Moodle's verdict.
            $state = (int) $this->completion->internal_get_state($cm, $userid, $row);
            $by = $state === COMPLETION_INCOMPLETE ? $by : null;
        }
        $row->completionstate = $state;
        $row->timemodified = \core\di::get(\core\clock::class)->time();
        $row->overrideby = $by;
        $this->completion->internal_set_data($cm, $row);
        if (class_exists(\core_completion\hook\after_cm_completion_updated::class)) {
            $hook = new \core_completion\hook\after_cm_completion_updated(cm: $cm, data: $row);
            \core\di::get(\core\hook\manager::class)->dispatch($hook);
        }
        return $row;
    }

    /**
     * Keeps the row as we left it.
     *
     * @param int $cmid
     * @param int $userid
     * @param \stdClass $row
     */
    private function remember(int $cmid, int $userid, \stdClass $row): void {
        global $DB;
        $key = ['cmid' => $cmid, 'userid' => $userid];
        $kept = (object) ($key + ['state' => $row->completionstate, 'timewritten' => $row->timemodified]);
        $id = $DB->get_field('local_copbridge_presence', 'id', $key);
        if ($id) {
            $kept->id = $id;
            $DB->update_record('local_copbridge_presence', $kept);
        } else {
            $DB->insert_record('local_copbridge_presence', $kept);
        }
    }
}
