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

namespace local_copbridge;

use local_copbridge\local\outbox;
use local_copbridge\local\scope;

/**
 * Sees what happens, and keeps what is to be handed over.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class observer {
    /**
     * Keeps an event of a chosen course or of somebody who takes part in one.
     *
     * It runs inside the request of whoever caused the event: whatever goes wrong here is counted, never thrown.
     *
     * @param \core\event\base $event
     */
    public static function saw(\core\event\base $event): void {
        try {
            if (scope::active() && self::concerns($event)) {
                outbox::add($event);
            }
        } catch (\Throwable $e) {
            outbox::count_failure();
        }
    }

    /**
     * Whether an event is to be handed over.
     *
     * @param \core\event\base $event
     * @return bool
     */
    private static function concerns(\core\event\base $event): bool {
        switch ($event->eventname) {
            case '\core\event\course_category_updated':
                // Courses may have come under a chosen category, or left it.
                scope::forget();
                return false;
            case '\core\event\user_updated':
            case '\core\event\user_deleted':
                return scope::has_user((int) $event->objectid);
            case '\core\event\role_assigned':
            case '\core\event\role_unassigned':
                // A role elsewhere makes nobody a participant.
                return (int) $event->contextlevel === CONTEXT_COURSE && scope::has_course((int) $event->courseid);
            case '\core\event\course_deleted':
                return scope::had_course($event->get_record_snapshot('course', (int) $event->courseid));
            case '\core\event\course_updated':
            case '\core\event\course_restored':
                scope::forget_course((int) $event->courseid);
                return scope::has_course((int) $event->courseid);
            default:
                return scope::has_course((int) $event->courseid);
        }
    }
}
