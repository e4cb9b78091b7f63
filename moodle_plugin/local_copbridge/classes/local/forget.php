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

namespace local_copbridge\local;

/**
 * Forgets what the service told of people and courses that are gone.
 *
 * What waits to be handed over stays: that somebody is gone is part of it.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class forget {
    /**
     * A user is gone.
     *
     * @param int $userid
     */
    public static function user(int $userid): void {
        global $DB;
        $DB->delete_records('local_copbridge_standing', ['userid' => $userid]);
        $DB->delete_records('local_copbridge_presence', ['userid' => $userid]);
    }

    /**
     * A course is gone.
     *
     * @param int $courseid
     */
    public static function course(int $courseid): void {
        global $DB;
        $DB->delete_records('local_copbridge_standing', ['courseid' => $courseid]);
        $DB->delete_records('local_copbridge_course', ['courseid' => $courseid]);
        self::lost_modules();
    }

    /**
     * An activity is gone.
     *
     * @param int $cmid
     */
    public static function module(int $cmid): void {
        global $DB;
        $DB->delete_records('local_copbridge_presence', ['cmid' => $cmid]);
    }

    /**
     * A course lost its activities; Moodle doesn't say which.
     */
    public static function lost_modules(): void {
        global $DB;
        $DB->delete_records_select('local_copbridge_presence', 'cmid NOT IN (SELECT id FROM {course_modules})');
    }
}
