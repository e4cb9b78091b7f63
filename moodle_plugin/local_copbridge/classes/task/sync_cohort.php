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

namespace local_copbridge\task;

/**
 * Enrols the members of a large cohort, after its enrolment was added.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class sync_cohort extends \core\task\adhoc_task {
    /**
     * The task for a course.
     *
     * @param int $courseid
     * @return self
     */
    public static function of(int $courseid): self {
        $task = new self();
        $task->set_component('local_copbridge');
        $task->set_custom_data(['courseid' => $courseid]);
        return $task;
    }

    #[\Override]
    public function execute(): void {
        global $CFG;
        require_once($CFG->dirroot . '/enrol/cohort/locallib.php');
        enrol_cohort_sync(new \null_progress_trace(), (int) $this->get_custom_data()->courseid);
    }
}
