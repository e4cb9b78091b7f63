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

/**
 * Work on a course that is done wholly or not at all, and by one caller at a time.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class work {
    /** @var int how long to wait for another call that works on the same course, in seconds */
    private const PATIENCE = 20;

    /**
     * Does something in a transaction of its own; where it fails, nothing of it stays.
     *
     * Moodle's functions may fail with a transaction of theirs still open, so all that is open is rolled back, and the course's
     * caches, which know nothing of transactions, are emptied.
     *
     * @param int $courseid
     * @param callable $what
     * @return mixed what it returned
     */
    public static function whole(int $courseid, callable $what): mixed {
        global $DB;
        $transaction = $DB->start_delegated_transaction();
        try {
            $answer = $what();
            $transaction->allow_commit();
            return $answer;
        } catch (\Throwable $error) {
            $DB->force_transaction_rollback();
            self::forget($courseid);
            throw $error;
        }
    }

    /**
     * Empties the course's caches, in which there may be what was rolled back, under a revision that is to come again.
     *
     * @param int $courseid
     */
    private static function forget(int $courseid): void {
        $cache = \cache::make('core', 'coursemodinfo');
        if ($cache->acquire_lock($courseid)) {
            $cache->delete($courseid);
            $cache->release_lock($courseid);
        }
        rebuild_course_cache($courseid, true);
    }

    /**
     * Does something while no other call of ours builds in the same course: a call that was sent twice must not build twice.
     *
     * @param int $courseid
     * @param callable $what
     * @return mixed what it returned
     */
    public static function alone(int $courseid, callable $what): mixed {
        $lock = \core\lock\lock_config::get_lock_factory('local_copbridge')->get_lock('provision_' . $courseid, self::PATIENCE);
        if (!$lock) {
            throw new problem('busy');
        }
        try {
            return $what();
        } finally {
            $lock->release();
        }
    }
}
