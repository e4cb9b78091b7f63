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
require_once($CFG->dirroot . '/enrol/cohort/locallib.php');
require_once($CFG->libdir . '/enrollib.php');

/**
 * Has the members of a cohort enrolled in a course, now and as they come and go.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class cohort_enrolment {
    /** @var int so many members are enrolled within the call; more than that by a task */
    public const ATONCE = 200;

    /**
     * For one course.
     *
     * @param \stdClass $course
     */
    public function __construct(
        /** @var \stdClass the course */
        private readonly \stdClass $course
    ) {
    }

    /**
     * Adds the enrolment, where it isn't there.
     *
     * @param int $cohortid
     * @param int $roleid
     * @param int $groupid the group that they come into; 0: none
     * @return array enrolid, outcome, members, synced
     */
    public function add(int $cohortid, int $roleid, int $groupid): array {
        global $DB;
        $this->check($cohortid, $roleid, $groupid);
        $members = $DB->count_records('cohort_members', ['cohortid' => $cohortid]);
        $key = ['enrol' => 'cohort', 'courseid' => $this->course->id, 'customint1' => $cohortid, 'roleid' => $roleid];
        $there = $DB->get_records('enrol', $key, 'id', 'id, status, customint2', 0, 1);
        if ($there) {
            $found = reset($there);
            if ((int) $found->customint2 !== $groupid || (int) $found->status !== ENROL_INSTANCE_ENABLED) {
                throw new problem('enrolmentdiffers', $found->id);
            }
            return ['enrolid' => (int) $found->id, 'outcome' => 'there', 'members' => $members, 'synced' => true];
        }
        $synced = $members <= self::ATONCE;
        $enrolid = work::whole((int) $this->course->id, fn(): int => $this->create($cohortid, $roleid, $groupid, $synced));
        return ['enrolid' => $enrolid, 'outcome' => 'created', 'members' => $members, 'synced' => $synced];
    }

    /**
     * Refuses what Moodle's own form would refuse.
     *
     * @param int $cohortid
     * @param int $roleid
     * @param int $groupid
     */
    private function check(int $cohortid, int $roleid, int $groupid): void {
        global $DB;
        if (!enrol_is_enabled('cohort')) {
            throw new problem('cohortoff');
        }
        $context = \context_course::instance($this->course->id);
        $cohort = $DB->get_record('cohort', ['id' => $cohortid]);
        if (!$cohort || !in_array((int) $cohort->contextid, array_map('intval', $context->get_parent_context_ids()), true)) {
            throw new problem('nocohort', $cohortid);
        }
        // What the calling account may not assign by hand it may not assign by a cohort either.
        $roles = get_assignable_roles($context, ROLENAME_SHORT);
        if (!isset($roles[$roleid])) {
            throw new problem('role', ['role' => $roleid, 'roles' => implode(', ', $roles) ?: '-']);
        }
        if ($groupid && !$DB->record_exists('groups', ['id' => $groupid, 'courseid' => $this->course->id])) {
            throw new problem('nogroup', $groupid);
        }
    }

    /**
     * Adds the enrolment.
     *
     * @param int $cohortid
     * @param int $roleid
     * @param int $groupid
     * @param bool $atonce whether the members are enrolled now
     * @return int
     */
    private function create(int $cohortid, int $roleid, int $groupid, bool $atonce): int {
        global $DB;
        // Moodle enrols everybody as it adds an enrolment that is in force. A large cohort would keep the caller waiting, so its
        // enrolment is put in force afterwards, and a task does the rest.
        $fields = ['customint1' => $cohortid, 'customint2' => $groupid, 'roleid' => $roleid];
        $fields['status'] = $atonce ? ENROL_INSTANCE_ENABLED : ENROL_INSTANCE_DISABLED;
        $id = (int) enrol_get_plugin('cohort')->add_instance($this->course, $fields);
        if (!$atonce) {
            $DB->set_field('enrol', 'status', ENROL_INSTANCE_ENABLED, ['id' => $id]);
            $instance = $DB->get_record('enrol', ['id' => $id], '*', MUST_EXIST);
            \core\event\enrol_instance_updated::create_from_record($instance)->trigger();
            \context_course::instance($this->course->id)->mark_dirty();
            \core\task\manager::queue_adhoc_task(\local_copbridge\task\sync_cohort::of((int) $this->course->id), true);
        }
        return $id;
    }
}
